from __future__ import annotations

import torch

from thinkwell.training._groups import read_groups

IDS = torch.tensor([7, -2, 7, 4, -2, 7])
VALUES = torch.tensor([1.0, -5.0, 3.0, 2.0, -4.0, 2.0])


def test_groups_are_numbered_by_rising_ids_however_they_interleave():
    groups = read_groups(IDS)
    assert groups.count == 3
    assert groups.index.tolist() == [2, 0, 2, 1, 0, 2]
    assert groups.size.tolist() == [2, 1, 3]


def test_sums_and_extremes_of_a_group_are_those_of_its_members_and_spread_back_to_them():
    groups = read_groups(IDS)
    assert groups.sum(VALUES).tolist() == [-9.0, 2.0, 6.0]
    assert groups.most(VALUES).tolist() == [-4.0, 2.0, 3.0]  # of negative values too: a maximum must not start at 0
    assert groups.least(VALUES).tolist() == [-5.0, 2.0, 1.0]
    assert groups.spread(groups.least(VALUES)).tolist() == [1.0, -5.0, 1.0, 2.0, -5.0, 1.0]


def test_a_batch_without_samples_has_no_groups():
    groups = read_groups(torch.zeros(0, dtype=torch.int64))
    assert groups.count == 0
    assert groups.sum(torch.zeros(0)).tolist() == []
