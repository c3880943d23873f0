"""`clearway benchmark`: each command is a module, which imports its heavy parts when it runs."""

from __future__ import annotations

import typer

from training.benchmark.answers import answers
from training.benchmark.onboarding_cli import onboarding
from training.benchmark.robustness_cli import robustness
from training.benchmark.routellm import routellm
from training.benchmark.sensitivity.command import sensitivity

app = typer.Typer(
    no_args_is_help=True,
    help="Measure the classifiers on what they have not seen, beside baselines.",
)
app.command("answers")(answers)
app.command("onboarding")(onboarding)
app.command("robustness")(robustness)
app.command("routellm")(routellm)
app.command("sensitivity")(sensitivity)
