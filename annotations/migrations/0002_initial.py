import django.db.models.deletion
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
        migrations.AddField(
            model_name='choice',
            name='juror',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='choices', to='juries.juror'),
        ),
        migrations.AddField(
            model_name='export',
            name='run',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='export', to='juries.run'),
        ),
        migrations.AddField(
            model_name='opinion',
            name='juror',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='opinions', to='juries.juror'),
        ),
        migrations.AddField(
            model_name='participation',
            name='juror',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='participations', to='juries.juror'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='participation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='annotations.participation'),
        ),
        migrations.AddField(
            model_name='preference',
            name='juror',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='preferences', to='juries.juror'),
        ),
        migrations.AddField(
            model_name='profilereply',
            name='participation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='profile_replies', to='annotations.participation'),
        ),
        migrations.AddField(
            model_name='profilereply',
            name='question',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='replies', to='annotations.profilequestion'),
        ),
        migrations.AddField(
            model_name='preference',
            name='query',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='preferences', to='annotations.query'),
        ),
        migrations.AddField(
            model_name='opinion',
            name='query',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='opinions', to='annotations.query'),
        ),
        migrations.AddField(
            model_name='choice',
            name='query',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='choices', to='annotations.query'),
        ),
        migrations.AddField(
            model_name='assignment',
            name='query',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='annotations.query'),
        ),
        migrations.AddField(
            model_name='queryoption',
            name='query',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='options', to='annotations.query'),
        ),
        migrations.AddField(
            model_name='choice',
            name='option',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='choices', to='annotations.queryoption'),
        ),
        migrations.AddField(
            model_name='rating',
            name='criterion',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ratings', to='annotations.criterion'),
        ),
        migrations.AddField(
            model_name='rating',
            name='juror',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ratings', to='juries.juror'),
        ),
        migrations.AddField(
            model_name='response',
            name='query',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='responses', to='annotations.query'),
        ),
        migrations.AddField(
            model_name='rating',
            name='response',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ratings', to='annotations.response'),
        ),
        migrations.AddField(
            model_name='preference',
            name='left',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='preferences_left', to='annotations.response'),
        ),
        migrations.AddField(
            model_name='preference',
            name='right',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='preferences_right', to='annotations.response'),
        ),
        migrations.AddField(
            model_name='resultssnapshot',
            name='run',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='results_snapshot', to='juries.run'),
        ),
        migrations.AddField(
            model_name='response',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='responses', to='annotations.source'),
        ),
        migrations.AddField(
            model_name='study',
            name='created_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='studies', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='study',
            name='jury',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='studies', to='juries.jury'),
        ),
        migrations.AddField(
            model_name='source',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sources', to='annotations.study'),
        ),
        migrations.AddField(
            model_name='resultssnapshot',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='results_snapshots', to='annotations.study'),
        ),
        migrations.AddField(
            model_name='query',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='queries', to='annotations.study'),
        ),
        migrations.AddField(
            model_name='protocolstep',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='annotations.study'),
        ),
        migrations.AddField(
            model_name='profilequestion',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='profile_questions', to='annotations.study'),
        ),
        migrations.AddField(
            model_name='participation',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='participations', to='annotations.study'),
        ),
        migrations.AddField(
            model_name='export',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exports', to='annotations.study'),
        ),
        migrations.AddField(
            model_name='criterion',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='criteria', to='annotations.study'),
        ),
        migrations.AddField(
            model_name='studyrole',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='roles', to='annotations.study'),
        ),
        migrations.AddField(
            model_name='studyrole',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='study_roles', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='submission',
            name='assignment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='submissions', to='annotations.assignment'),
        ),
        migrations.AddField(
            model_name='submission',
            name='participation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='submissions', to='annotations.participation'),
        ),
        migrations.AddField(
            model_name='rating',
            name='submission',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='ratings', to='annotations.submission'),
        ),
        migrations.AddField(
            model_name='preference',
            name='submission',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='preferences', to='annotations.submission'),
        ),
        migrations.AddField(
            model_name='opinion',
            name='submission',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='opinions', to='annotations.submission'),
        ),
        migrations.AddField(
            model_name='choice',
            name='submission',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='choices', to='annotations.submission'),
        ),
        migrations.AddConstraint(
            model_name='profilereply',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('participation', 'question'), name='annotations_profilereply_current_once'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(fields=['state', 'lease_expires_at'], name='annotations_assignment_lease'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(fields=['participation', 'state', 'position'], name='annotations_assignment_open'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.UniqueConstraint(fields=('participation', 'query'), name='annotations_assignment_query_once'),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.UniqueConstraint(fields=('participation', 'position'), name='annotations_assignment_position_once'),
        ),
        migrations.AddConstraint(
            model_name='queryoption',
            constraint=models.UniqueConstraint(fields=('query', 'key'), name='annotations_queryoption_key_once'),
        ),
        migrations.AddConstraint(
            model_name='response',
            constraint=models.UniqueConstraint(fields=('query', 'external_id'), name='annotations_response_external_id_once'),
        ),
        migrations.AddConstraint(
            model_name='study',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('assignment_mode', 'overlap'), _negated=True), ('overlap__gte', 1), _connector='OR'), name='annotations_study_overlap_given'),
        ),
        migrations.AddConstraint(
            model_name='source',
            constraint=models.UniqueConstraint(fields=('study', 'name', 'revision'), name='annotations_source_name_once'),
        ),
        migrations.AddIndex(
            model_name='query',
            index=models.Index(fields=['study', 'claimed_count', 'ordinal'], name='annotations_query_claimed'),
        ),
        migrations.AddConstraint(
            model_name='query',
            constraint=models.UniqueConstraint(fields=('study', 'external_id'), name='annotations_query_external_id_once'),
        ),
        migrations.AddConstraint(
            model_name='query',
            constraint=models.UniqueConstraint(fields=('study', 'ordinal'), name='annotations_query_ordinal_once'),
        ),
        migrations.AddConstraint(
            model_name='protocolstep',
            constraint=models.UniqueConstraint(fields=('study', 'kind'), name='annotations_protocolstep_kind_once'),
        ),
        migrations.AddConstraint(
            model_name='profilequestion',
            constraint=models.UniqueConstraint(fields=('study', 'key'), name='annotations_profilequestion_key_once'),
        ),
        migrations.AddConstraint(
            model_name='participation',
            constraint=models.UniqueConstraint(fields=('study', 'juror'), name='annotations_participation_once'),
        ),
        migrations.AddConstraint(
            model_name='participation',
            constraint=models.UniqueConstraint(fields=('study', 'ordinal'), name='annotations_participation_ordinal_once'),
        ),
        migrations.AddConstraint(
            model_name='criterion',
            constraint=models.UniqueConstraint(fields=('study', 'key'), name='annotations_criterion_key_once'),
        ),
        migrations.AddConstraint(
            model_name='criterion',
            constraint=models.CheckConstraint(condition=models.Q(('low__lt', models.F('high'))), name='annotations_criterion_bounds'),
        ),
        migrations.AddConstraint(
            model_name='criterion',
            constraint=models.CheckConstraint(condition=models.Q(('step__gt', 0)), name='annotations_criterion_step_positive'),
        ),
        migrations.AddConstraint(
            model_name='studyrole',
            constraint=models.UniqueConstraint(fields=('study', 'user'), name='annotations_studyrole_once'),
        ),
        migrations.AddConstraint(
            model_name='submission',
            constraint=models.UniqueConstraint(fields=('participation', 'client_id'), name='annotations_submission_client_once'),
        ),
        migrations.AddConstraint(
            model_name='rating',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('juror', 'response', 'criterion'), name='annotations_rating_current_once'),
        ),
        migrations.AddConstraint(
            model_name='preference',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('juror', 'left', 'right'), name='annotations_preference_current_once'),
        ),
        migrations.AddConstraint(
            model_name='preference',
            constraint=models.CheckConstraint(condition=models.Q(('left', models.F('right')), _negated=True), name='annotations_preference_two_responses'),
        ),
        migrations.AddConstraint(
            model_name='opinion',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('juror', 'query'), name='annotations_opinion_current_once'),
        ),
        migrations.AddConstraint(
            model_name='choice',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('juror', 'query'), name='annotations_choice_current_once'),
        ),
    ]
