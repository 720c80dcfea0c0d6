import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('annotations', '0001_initial'),
        ('juries', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Embedding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64, unique=True)),
                ('encoder', models.CharField(max_length=200)),
                ('weights_digest', models.CharField(max_length=64)),
                ('dtype', models.CharField(max_length=16)),
                ('dimensions', models.PositiveIntegerField()),
                ('vector', models.BinaryField(help_text='Little-endian float32.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='RewardTraining',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('method', models.CharField(max_length=40)),
                ('manifest', models.JSONField(blank=True, default=dict)),
                ('evaluation', models.JSONField(blank=True, default=dict)),
                ('artefact_name', models.CharField(blank=True, max_length=200)),
                ('is_usable', models.BooleanField(blank=True, null=True)),
                ('stale_since', models.DateTimeField(blank=True, help_text='A juror whose ratings it learnt has since withdrawn them.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('criterion', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reward_trainings', to='annotations.criterion')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='reward_training', to='juries.run')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reward_trainings', to='annotations.study')),
            ],
            options={
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='PredictedRating',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mean', models.FloatField()),
                ('standard_deviation', models.FloatField()),
                ('low', models.FloatField()),
                ('high', models.FloatField()),
                ('juror', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='predicted_ratings', to='juries.juror')),
                ('response', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='predicted_ratings', to='annotations.response')),
                ('training', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='predicted_ratings', to='models_runner.rewardtraining')),
            ],
            options={
                'ordering': ('training_id', 'juror_id', 'response_id'),
                'constraints': [models.UniqueConstraint(fields=('training', 'juror', 'response'), name='models_runner_predictedrating_once')],
            },
        ),
    ]
