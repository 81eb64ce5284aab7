from itertools import pairwise

import numpy as np
import pytest
import torch

from kit.learn.tables import LATE, flights
from kit.recsys.clicks import FIELDS, flight_clicks, number_features, train_epoch
from kit.recsys.fm import Linear


def test_a_click_is_a_late_arrival_and_the_departure_is_no_feature():
    clicks, table = flight_clicks(), flights()
    assert set(np.unique(clicks.clicked)) == {0.0, 1.0}
    np.testing.assert_array_equal(clicks.clicked, table.arrival_delay > LATE)
    assert not {"departure_delay", "arrival_delay", "minute"} & set(FIELDS)
    assert clicks.features.shape == (len(table), len(FIELDS))
    assert len(np.unique(clicks.days)) == 365


def test_numbers_are_learned_from_the_training_rows_alone():
    features = np.array([[0, 1], [0, 1], [1, 2], [2, 1], [9, 2]])
    numbers, n = number_features(features, np.array([0, 1, 2]), min_rows=2)
    assert n == 4  # rare and 0, then rare and 1
    assert numbers.tolist() == [[1, 3], [1, 3], [0, 2], [0, 3], [0, 2]]


def test_every_feature_of_the_flights_has_a_number_of_its_own():
    clicks = flight_clicks()
    numbers, n = number_features(clicks.features, np.arange(5_000))
    assert int(numbers.min()) >= 0
    assert int(numbers.max()) < n
    ranges = [(int(column.min()), int(column.max())) for column in numbers.T]
    assert all(a[1] < b[0] or a[1] < b[1] for a, b in pairwise(ranges))
    for field, column in enumerate(numbers.T):
        pairs = {*zip(clicks.features[:, field].tolist(), column.tolist(), strict=True)}
        assert len(pairs) == len({feature for feature, _ in pairs})


def test_an_epoch_sees_every_row_once_and_lowers_the_loss():
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(10, (300, 1), generator=generator)
    clicked = (ids[:, 0] < 5).float()
    model, seen = Linear(n_fields=1, n_features=10), []
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    losses = [train_epoch(model, optimizer, ids, clicked, batch_size=64, generator=generator) for _ in range(20)]
    torch.testing.assert_close(torch.cat(seen[:5]).sort(dim=0)[0], ids.sort(dim=0)[0])
    assert losses[-1] < 0.2 < losses[0] == pytest.approx(0.6, abs=0.1)
