import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='Candidate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('external_id', models.CharField(max_length=120)),
                ('state', models.CharField(choices=[('unconfirmed', 'waiting for e-mail confirmation'), ('active', 'can be drawn'), ('withdrawn', 'withdrawn')], default='active', max_length=12)),
                ('origin', models.CharField(choices=[('import', 'import'), ('registration', 'registration page')], default='import', max_length=12)),
                ('household', models.CharField(blank=True, help_text="Blank: nobody's household.", max_length=200)),
                ('consented_at', models.DateTimeField(blank=True, null=True)),
                ('consent_version', models.CharField(blank=True, max_length=40)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ('pool_id', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Feature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('question', models.CharField(blank=True, help_text='As asked at registration; the name if empty.', max_length=300)),
                ('position', models.PositiveIntegerField(default=0)),
            ],
            options={
                'ordering': ('pool_id', 'position', 'id'),
            },
        ),
        migrations.CreateModel(
            name='WorkerHeartbeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hostname', models.CharField(max_length=200, unique=True)),
                ('pid', models.PositiveIntegerField()),
                ('software_version', models.CharField(blank=True, max_length=40)),
                ('seen_at', models.DateTimeField()),
            ],
            options={
                'ordering': ('hostname',),
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
                'abstract': False,
            },
            managers=[
                ('objects', django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name='FeatureValue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.CharField(max_length=120)),
                ('position', models.PositiveIntegerField(default=0)),
                ('population_share', models.FloatField(blank=True, help_text='Share of the population, between 0 and 1.', null=True)),
                ('feature', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='values', to='juries.feature')),
            ],
            options={
                'ordering': ('feature_id', 'position', 'id'),
            },
        ),
        migrations.CreateModel(
            name='CandidateTrait',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('candidate', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='traits', to='juries.candidate')),
                ('feature', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='traits', to='juries.feature')),
                ('feature_value', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='traits', to='juries.featurevalue')),
            ],
            options={
                'ordering': ('candidate_id', 'feature_id'),
            },
        ),
        migrations.CreateModel(
            name='Jury',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('purpose', models.TextField(blank=True)),
                ('size', models.PositiveIntegerField()),
                ('kind', models.CharField(choices=[('representative', 'representative of a population'), ('amplifying', 'built to hear given voices')], default='representative', max_length=16)),
                ('household_limit', models.PositiveIntegerField(blank=True, help_text='At most so many from one household; empty: no limit.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='juries', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'juries',
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='Juror',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('is_simulated', models.BooleanField(default=False)),
                ('erased_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('candidate', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jurors', to='juries.candidate')),
                ('jury', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jurors', to='juries.jury')),
            ],
            options={
                'ordering': ('jury_id', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Pool',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('slug', models.SlugField(max_length=80, unique=True)),
                ('description', models.TextField(blank=True, help_text='Shown on the registration page.')),
                ('consent_text', models.TextField(blank=True, help_text='What a volunteer agrees to when she registers.')),
                ('consent_version', models.CharField(default='1', max_length=40)),
                ('registration_open', models.BooleanField(default=False, help_text='Anyone with the address may volunteer.')),
                ('registration_closes_at', models.DateTimeField(blank=True, null=True)),
                ('is_simulated', models.BooleanField(default=False, help_text='Invented people; marked as simulated on every page and export.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='pools', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('name', 'id'),
            },
        ),
        migrations.AddField(
            model_name='jury',
            name='pool',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='juries', to='juries.pool'),
        ),
        migrations.AddField(
            model_name='feature',
            name='pool',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='features', to='juries.pool'),
        ),
        migrations.CreateModel(
            name='CandidateContact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(blank=True, max_length=200)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('email_key', models.CharField(blank=True, help_text='Digest of the normalised address; finds duplicates.', max_length=64)),
                ('confirmation_hash', models.CharField(blank=True, max_length=64)),
                ('confirmed_at', models.DateTimeField(blank=True, null=True)),
                ('candidate', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='contact', to='juries.candidate')),
                ('pool', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contacts', to='juries.pool')),
            ],
            options={
                'ordering': ('candidate_id',),
            },
        ),
        migrations.AddField(
            model_name='candidate',
            name='pool',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='candidates', to='juries.pool'),
        ),
        migrations.CreateModel(
            name='Quota',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200)),
                ('minimum', models.PositiveIntegerField()),
                ('maximum', models.PositiveIntegerField()),
                ('feature_values', models.ManyToManyField(related_name='quotas', to='juries.featurevalue')),
                ('jury', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='quotas', to='juries.jury')),
            ],
            options={
                'ordering': ('jury_id', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(max_length=100)),
                ('title', models.CharField(max_length=200)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=12)),
                ('parameters', models.JSONField(blank=True, default=dict)),
                ('input_digest', models.CharField(blank=True, max_length=64)),
                ('software_version', models.CharField(blank=True, max_length=40)),
                ('seed', models.CharField(blank=True, max_length=100)),
                ('attempt', models.PositiveIntegerField(default=1)),
                ('progress_done', models.PositiveBigIntegerField(default=0)),
                ('progress_total', models.PositiveBigIntegerField(default=0)),
                ('progress_note', models.CharField(blank=True, max_length=300)),
                ('log', models.TextField(blank=True)),
                ('result', models.JSONField(blank=True, default=dict)),
                ('error', models.TextField(blank=True)),
                ('cancel_requested', models.BooleanField(default=False)),
                ('page_path', models.CharField(blank=True, help_text='Page that shows the result, as a path on this site', max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='Draw',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('purpose', models.CharField(choices=[('jury', 'the whole jury'), ('replacement', 'replacements for seats that fell vacant')], default='jury', max_length=12)),
                ('method', models.CharField(max_length=40)),
                ('seed', models.CharField(max_length=100)),
                ('size', models.PositiveIntegerField()),
                ('lower_bound', models.FloatField(blank=True, null=True)),
                ('upper_bound', models.FloatField(blank=True, null=True)),
                ('record', models.JSONField(blank=True, default=dict)),
                ('record_digest', models.CharField(blank=True, max_length=64)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('jury', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='draws', to='juries.jury')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='draw', to='juries.run')),
            ],
            options={
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='Seat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('number', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('drawn', 'drawn, not yet invited'), ('invited', 'invited'), ('accepted', 'accepted'), ('declined', 'declined'), ('withdrawn', 'withdrawn'), ('replaced', 'replaced')], default='drawn', max_length=12)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('draw', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='seats', to='juries.draw')),
                ('juror', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='seat', to='juries.juror')),
                ('jury', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='seats', to='juries.jury')),
                ('replaces', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replaced_by', to='juries.seat')),
            ],
            options={
                'ordering': ('jury_id', 'number', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('first_opened_at', models.DateTimeField(blank=True, null=True)),
                ('last_opened_at', models.DateTimeField(blank=True, null=True)),
                ('seat', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='juries.seat')),
            ],
            options={
                'ordering': ('seat_id', '-created_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verb', models.CharField(max_length=80)),
                ('subject_type', models.CharField(max_length=80)),
                ('subject_id', models.CharField(max_length=64)),
                ('subject_label', models.CharField(blank=True, max_length=200)),
                ('details', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='audit_entries', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'ordering': ('-created_at', '-id'),
                'indexes': [models.Index(fields=['subject_type', 'subject_id'], name='juries_auditentry_subject')],
            },
        ),
        migrations.CreateModel(
            name='DrawChance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('probability', models.FloatField()),
                ('is_drawn', models.BooleanField(default=False)),
                ('candidate', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chances', to='juries.candidate')),
                ('draw', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chances', to='juries.draw')),
            ],
            options={
                'ordering': ('draw_id', 'candidate_id'),
                'constraints': [models.UniqueConstraint(fields=('draw', 'candidate'), name='juries_drawchance_candidate_once'), models.CheckConstraint(condition=models.Q(('probability__gte', 0), ('probability__lte', 1)), name='juries_drawchance_probability_in_unit')],
            },
        ),
        migrations.AddConstraint(
            model_name='featurevalue',
            constraint=models.UniqueConstraint(fields=('feature', 'value'), name='juries_featurevalue_value_once'),
        ),
        migrations.AddConstraint(
            model_name='featurevalue',
            constraint=models.CheckConstraint(condition=models.Q(('population_share__isnull', True), models.Q(('population_share__gte', 0), ('population_share__lte', 1)), _connector='OR'), name='juries_featurevalue_share_in_unit'),
        ),
        migrations.AddConstraint(
            model_name='candidatetrait',
            constraint=models.UniqueConstraint(fields=('candidate', 'feature'), name='juries_candidatetrait_feature_once'),
        ),
        migrations.AddConstraint(
            model_name='juror',
            constraint=models.UniqueConstraint(fields=('jury', 'candidate'), name='juries_juror_candidate_once'),
        ),
        migrations.AddConstraint(
            model_name='jury',
            constraint=models.CheckConstraint(condition=models.Q(('size__gte', 1)), name='juries_jury_size_positive'),
        ),
        migrations.AddConstraint(
            model_name='jury',
            constraint=models.CheckConstraint(condition=models.Q(('household_limit__isnull', True), ('household_limit__gte', 1), _connector='OR'), name='juries_jury_household_limit_positive'),
        ),
        migrations.AddConstraint(
            model_name='feature',
            constraint=models.UniqueConstraint(fields=('pool', 'name'), name='juries_feature_name_once'),
        ),
        migrations.AddConstraint(
            model_name='candidatecontact',
            constraint=models.UniqueConstraint(condition=models.Q(('email_key', ''), _negated=True), fields=('pool', 'email_key'), name='juries_candidatecontact_email_once'),
        ),
        migrations.AddIndex(
            model_name='candidate',
            index=models.Index(fields=['pool', 'state'], name='juries_candidate_pool_state'),
        ),
        migrations.AddConstraint(
            model_name='candidate',
            constraint=models.UniqueConstraint(fields=('pool', 'external_id'), name='juries_candidate_external_id_once'),
        ),
        migrations.AddConstraint(
            model_name='quota',
            constraint=models.UniqueConstraint(fields=('jury', 'key'), name='juries_quota_key_once'),
        ),
        migrations.AddConstraint(
            model_name='quota',
            constraint=models.CheckConstraint(condition=models.Q(('minimum__lte', models.F('maximum'))), name='juries_quota_minimum_below_maximum'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['state', 'heartbeat_at'], name='juries_run_state_beat'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('queued', 'running', 'succeeded', 'failed', 'cancelled'))), name='juries_run_state_known'),
        ),
        migrations.AddConstraint(
            model_name='seat',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('drawn', 'invited', 'accepted'))), fields=('jury', 'number'), name='juries_seat_number_once'),
        ),
    ]
