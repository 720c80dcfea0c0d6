import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('annotations', '0001_initial'),
        ('juries', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Answer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(max_length=120)),
                ('text', models.TextField()),
                ('origin', models.CharField(choices=[('expert', 'written by the researchers'), ('juror', 'proposed by a juror'), ('import', 'imported')], default='expert', max_length=8)),
                ('state', models.CharField(choices=[('proposed', 'waiting for a researcher'), ('accepted', 'put to the jury'), ('merged', 'merged into another'), ('rejected', 'not a distinct position')], default='accepted', max_length=8)),
                ('decision_reason', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('merged_into', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged_answers', to='overton.answer')),
                ('proposed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='proposed_answers', to='juries.juror')),
                ('query', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='annotations.query')),
                ('submission', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='proposed_answers', to='annotations.submission')),
            ],
            options={
                'ordering': ('query_id', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Exclusion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('answer', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='exclusion', to='overton.answer')),
                ('excluded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='exclusions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('answer_id',),
            },
        ),
        migrations.CreateModel(
            name='ExpressionLabel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('label', models.CharField(choices=[('expresses', 'expresses it'), ('does_not', "doesn't"), ('contradicts', 'contradicts it')], max_length=12)),
                ('is_current', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField()),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='expression_labels', to='overton.answer')),
                ('juror', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='expression_labels', to='juries.juror')),
                ('researcher', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='expression_labels', to=settings.AUTH_USER_MODEL)),
                ('response', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='expression_labels', to='annotations.response')),
                ('submission', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='expression_labels', to='annotations.submission')),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='Judgement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(choices=[('correct', 'correct'), ('reasonable', 'reasonable'), ('unreasonable', 'unreasonable'), ('cant_say', "can't say")], max_length=12)),
                ('holds', models.BooleanField(blank=True, help_text='She holds this view herself.', null=True)),
                ('is_current', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField()),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='judgements', to='overton.answer')),
                ('juror', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='judgements', to='juries.juror')),
                ('submission', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='judgements', to='annotations.submission')),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='WindowRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('correct_share', models.FloatField(default=0.9, help_text='Share, in every group, from which an answer counts as correct.')),
                ('reasonable_share', models.FloatField(default=0.25, help_text='Share of some group from which an answer counts as reasonable.')),
                ('confidence', models.FloatField(default=0.95, help_text='Level of the Wilson interval.')),
                ('group_minimum', models.PositiveIntegerField(default=8, help_text='Groups with fewer judgements are not looked at on their own.')),
                ('group_features', models.JSONField(blank=True, default=list, help_text='Features whose values are groups, ["gender", "age"].')),
                ('study', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='window_rule', to='annotations.study')),
            ],
            options={
                'ordering': ('study_id',),
            },
        ),
        migrations.CreateModel(
            name='WindowSnapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('rule', models.JSONField(default=dict)),
                ('result', models.JSONField(default=dict)),
                ('input_digest', models.CharField(max_length=64)),
                ('software_version', models.CharField(blank=True, max_length=40)),
                ('stale_since', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='window_snapshots', to='annotations.study')),
            ],
            options={
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.AddIndex(
            model_name='answer',
            index=models.Index(fields=['query', 'state'], name='overton_answer_query_state'),
        ),
        migrations.AddConstraint(
            model_name='answer',
            constraint=models.UniqueConstraint(fields=('query', 'external_id'), name='overton_answer_external_id_once'),
        ),
        migrations.AddConstraint(
            model_name='answer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('merged_into__isnull', False), ('state', 'merged')), models.Q(models.Q(('state', 'merged'), _negated=True), ('merged_into__isnull', True)), _connector='OR'), name='overton_answer_merged_into_another'),
        ),
        migrations.AddConstraint(
            model_name='expressionlabel',
            constraint=models.CheckConstraint(condition=models.Q(('juror__isnull', True), ('researcher__isnull', True), _connector='XOR'), name='overton_expressionlabel_one_person'),
        ),
        migrations.AddConstraint(
            model_name='expressionlabel',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True), ('juror__isnull', False)), fields=('response', 'answer', 'juror'), name='overton_expressionlabel_juror_once'),
        ),
        migrations.AddConstraint(
            model_name='expressionlabel',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True), ('researcher__isnull', False)), fields=('response', 'answer', 'researcher'), name='overton_expressionlabel_researcher_once'),
        ),
        migrations.AddConstraint(
            model_name='judgement',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('juror', 'answer'), name='overton_judgement_current_once'),
        ),
        migrations.AddConstraint(
            model_name='windowrule',
            constraint=models.CheckConstraint(condition=models.Q(('confidence__gt', 0.5), ('confidence__lt', 1), ('correct_share__gt', 0), ('correct_share__lte', 1), ('reasonable_share__gt', 0), ('reasonable_share__lt', 1)), name='overton_windowrule_shares_in_unit'),
        ),
    ]
