"""Whose endless work is tried, and how often."""

from app.patience import MOST, SECONDS, Patience, Patiences


def test_it_is_gone_after_some_losses_and_comes_back() -> None:
    moments = [0.0]
    patience = Patience(lambda: moments[-1])
    for number in range(MOST):
        assert (patience.losses, patience.is_gone) == (number, False)
        patience.lose()

    assert patience.is_gone
    moments.append(SECONDS - 0.001)
    assert patience.is_gone
    moments.append(SECONDS)
    assert (patience.losses, patience.is_gone) == (0, False)


def test_each_tenant_has_its_own_and_the_latest_are_kept() -> None:
    patiences = Patiences(most=2)
    acme, globex = patiences.of("acme"), patiences.of("globex")

    assert acme is not globex
    assert patiences.of("acme") is acme
    patiences.of("rival")

    assert patiences.of("acme") is acme
    assert patiences.of("globex") is not globex
