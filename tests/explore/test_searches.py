import numpy as np

from kit.explore import searches


def test_the_loss_has_one_valley_and_no_end_of_the_axis_is_near_it():
    losses = searches.width_losses()
    lowest = int(losses.argmin())
    assert 10 < lowest < len(losses) - 10
    near = np.flatnonzero(losses <= searches.NEAR * losses.min())
    assert np.ptp(near) < 6


def test_every_search_tries_sixteen_different_widths_and_begins_as_its_start_says():
    for way in searches.WAYS:
        found = [searches.search(way, seed) for seed in range(3)]
        assert all(len(set(each.places.tolist())) == searches.N_TRIALS for each in found)
        assert len({each.places[0] for each in found}) > 1


def test_the_view_shows_only_what_has_been_tried():
    for n in (2, 5, 16):
        frame = searches.search_frame(way="random", seed=0, n=n)
        assert np.size(frame.lines[3][0]) == n
        assert f"{n} trials" in frame.sentence
        assert len(frame.overlays[0].texts) == n


def test_the_next_trial_of_a_bayesian_search_is_where_most_is_expected():
    found = searches.search("Bayesian", 0)
    for n in (4, 7, 10):
        gain = searches.known("Bayesian", 0, n).improvement.copy()
        gain[found.places[:n]] = -np.inf
        assert found.places[n] == gain.argmax()


def test_the_surrogate_finds_the_valley_sooner_than_chance():
    lowest = searches.NEAR * searches.width_losses().min()

    def needed(way):
        each = [searches.search(way, seed).best_so_far for seed in range(searches.SEEDS)]
        return np.mean([np.argmax(best <= lowest) if best[-1] <= lowest else searches.N_TRIALS for best in each])

    assert needed("Bayesian") < needed("random") - 3


def test_the_quest_needs_a_good_loss_early():
    frames = [searches.search_frame(way="Bayesian", seed=0, n=n) for n in range(2, 17)]
    met = [frame.quest_met for frame in frames]
    assert any(met)
    assert not any(met[searches.QUEST_TRIALS - 1 :])
