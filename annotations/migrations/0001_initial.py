import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Assignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('position', models.PositiveIntegerField(help_text="Place in this juror's own order.")),
                ('state', models.CharField(choices=[('claimed', 'claimed'), ('completed', 'completed'), ('released', 'lease ran out')], default='claimed', max_length=10)),
                ('claimed_at', models.DateTimeField()),
                ('lease_expires_at', models.DateTimeField()),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
                ('active_ms', models.PositiveBigIntegerField(default=0)),
                ('idle_ms', models.PositiveBigIntegerField(default=0)),
            ],
            options={
                'ordering': ('participation_id', 'position'),
            },
        ),
        migrations.CreateModel(
            name='Choice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_current', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='Criterion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60)),
                ('name', models.CharField(max_length=120)),
                ('question', models.CharField(max_length=300)),
                ('scale_kind', models.CharField(choices=[('likert', 'numbered points'), ('slider', 'slider with labelled ends'), ('yes_no', 'yes or no')], default='likert', max_length=8)),
                ('low', models.FloatField(default=1)),
                ('high', models.FloatField(default=5)),
                ('step', models.FloatField(default=1)),
                ('low_label', models.CharField(blank=True, max_length=80)),
                ('high_label', models.CharField(blank=True, max_length=80)),
                ('labels', models.JSONField(blank=True, default=dict, help_text='Labels of points, {"1": "not at all"}.')),
                ('allows_cant_say', models.BooleanField(default=True)),
                ('position', models.PositiveIntegerField(default=0)),
            ],
            options={
                'verbose_name_plural': 'criteria',
                'ordering': ('study_id', 'position', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('options', models.JSONField(blank=True, default=dict)),
                ('manifest', models.JSONField(blank=True, default=dict)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('file_name', models.CharField(blank=True, max_length=200)),
                ('stale_since', models.DateTimeField(blank=True, help_text='A juror whose answers are in it has since withdrawn them.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='Opinion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('is_current', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='Participation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('ordinal', models.PositiveIntegerField(help_text='Her place in the balanced order of queries.')),
                ('state', models.CharField(choices=[('started', 'has opened the link'), ('consented', 'has consented'), ('working', 'at work'), ('finished', 'finished'), ('refused', 'did not consent'), ('withdrawn', 'withdrew')], default='started', max_length=10)),
                ('consented_at', models.DateTimeField(blank=True, null=True)),
                ('consent_version', models.CharField(blank=True, max_length=40)),
                ('instructions_read_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('next_position', models.PositiveIntegerField(default=0)),
                ('completed_count', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('last_seen_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ('study_id', 'ordinal'),
            },
        ),
        migrations.CreateModel(
            name='Preference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(choices=[('left', 'the left one'), ('right', 'the right one'), ('tie', 'both equally good'), ('both_bad', 'both bad')], max_length=8)),
                ('is_current', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='ProfileQuestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60)),
                ('text', models.CharField(max_length=300)),
                ('kind', models.CharField(choices=[('choice', 'one of the options'), ('text', 'in words'), ('number', 'a number')], default='choice', max_length=8)),
                ('options', models.JSONField(blank=True, default=list, help_text='A list, ["yes", "no"].')),
                ('is_required', models.BooleanField(default=True)),
                ('position', models.PositiveIntegerField(default=0)),
            ],
            options={
                'ordering': ('study_id', 'position', 'id'),
            },
        ),
        migrations.CreateModel(
            name='ProfileReply',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.TextField()),
                ('is_current', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'verbose_name_plural': 'profile replies',
                'ordering': ('participation_id', 'question_id', '-id'),
            },
        ),
        migrations.CreateModel(
            name='ProtocolStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=20)),
                ('position', models.PositiveIntegerField(default=0)),
                ('is_required', models.BooleanField(default=True)),
                ('prompt', models.CharField(blank=True, help_text='The question above the step; its usual one if empty.', max_length=300)),
            ],
            options={
                'ordering': ('study_id', 'position', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Query',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(max_length=120)),
                ('ordinal', models.PositiveIntegerField()),
                ('text', models.TextField()),
                ('claimed_count', models.PositiveIntegerField(default=0, editable=False)),
                ('completed_count', models.PositiveIntegerField(default=0, editable=False)),
            ],
            options={
                'verbose_name_plural': 'queries',
                'ordering': ('study_id', 'ordinal'),
            },
        ),
        migrations.CreateModel(
            name='QueryOption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=60)),
                ('text', models.CharField(max_length=400)),
                ('position', models.PositiveIntegerField(default=0)),
                ('code', models.FloatField(blank=True, help_text='Place on an ordinal scale, if any.', null=True)),
            ],
            options={
                'ordering': ('query_id', 'position', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Rating',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.FloatField(blank=True, help_text="Empty: can't say.", null=True)),
                ('is_current', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='Response',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(max_length=120)),
                ('text', models.TextField(help_text='Markdown.')),
            ],
            options={
                'ordering': ('query_id', 'id'),
            },
        ),
        migrations.CreateModel(
            name='ResultsSnapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('content', models.JSONField(default=dict)),
                ('input_digest', models.CharField(max_length=64)),
                ('stale_since', models.DateTimeField(blank=True, help_text='A juror whose answers are in it has since withdrawn them.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('revision', models.CharField(blank=True, max_length=120)),
                ('kind', models.CharField(choices=[('model', 'language model'), ('person', 'person'), ('other', 'other')], default='model', max_length=8)),
                ('description', models.TextField(blank=True)),
            ],
            options={
                'ordering': ('study_id', 'name', 'revision'),
            },
        ),
        migrations.CreateModel(
            name='Study',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('title', models.CharField(max_length=200)),
                ('slug', models.SlugField(max_length=80, unique=True)),
                ('description', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('draft', 'draft'), ('open', 'open'), ('closed', 'closed')], default='draft', max_length=8)),
                ('consent_text', models.TextField(blank=True, help_text='Markdown. What a juror agrees to.')),
                ('consent_version', models.CharField(default='1', max_length=40)),
                ('instructions', models.TextField(blank=True, help_text='Markdown. Shown before the work.')),
                ('debrief', models.TextField(blank=True, help_text='Markdown. Shown with the thanks: what the answers are used for.')),
                ('completion_code', models.CharField(blank=True, max_length=60)),
                ('contact', models.CharField(blank=True, help_text='Whom a juror can write to or call.', max_length=200)),
                ('licence', models.CharField(blank=True, help_text='Licence of the exported data set, such as cc-by-4.0.', max_length=60)),
                ('assignment_mode', models.CharField(choices=[('all', 'every juror gets every query'), ('overlap', 'each query goes to a given number of jurors')], default='all', max_length=8)),
                ('overlap', models.PositiveIntegerField(blank=True, help_text='Jurors per query, where each query goes to some.', null=True)),
                ('queries_per_juror', models.PositiveIntegerField(blank=True, help_text='At most so many queries for one juror; empty: no limit.', null=True)),
                ('lease_minutes', models.PositiveIntegerField(default=30)),
                ('order_seed', models.CharField(default='1', max_length=64)),
                ('query_count', models.PositiveIntegerField(default=0, editable=False)),
                ('is_simulated', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('opened_at', models.DateTimeField(blank=True, null=True)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name_plural': 'studies',
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='StudyRole',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('owner', 'owner'), ('editor', 'editor'), ('viewer', 'viewer')], max_length=8)),
            ],
            options={
                'ordering': ('study_id', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Submission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client_id', models.UUIDField()),
                ('step', models.CharField(max_length=20)),
                ('item', models.CharField(blank=True, help_text="Which of the step's items.", max_length=80)),
                ('payload', models.JSONField(default=dict)),
                ('is_late', models.BooleanField(default=False, help_text='Came after the lease had run out.')),
                ('active_ms', models.PositiveBigIntegerField(default=0)),
                ('idle_ms', models.PositiveBigIntegerField(default=0)),
                ('received_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ('participation_id', 'id'),
            },
        ),
    ]
