from groundtune.knowledge.search import Depth, rerank, search_many
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.rerankers import OverlapReranker, passage
from groundtune.values import Search


class Store:
    """Answers every query with the same passages and remembers what it was asked."""

    def __init__(self, passages):
        self.passages, self.asked = passages, []

    def search(self, query):
        self.asked.append(query)
        return self.passages[: query.limit]


PASSAGES = [passage("Our shops open at nine.", 1), passage("Roaming costs 5 euros.", 2), passage("Roaming.", 3)]


def test_the_reranker_orders_more_than_is_returned():
    store = Store(PASSAGES)
    depth = Depth(limit=1, reranked=3, candidates=20)
    (found,) = search_many(
        store, HashingEmbedder(), [Search("What does roaming cost?", ("me",))], depth, OverlapReranker()
    )
    assert [one.text for one in found] == ["Roaming costs 5 euros."]
    assert found[0].rank == 1
    assert (store.asked[0].limit, store.asked[0].candidates, store.asked[0].principals) == (3, 20, ("me",))


def test_without_a_reranker_the_order_is_that_of_the_store():
    store = Store(PASSAGES)
    (found,) = search_many(store, HashingEmbedder(), [Search("What does roaming cost?", ("me",))], Depth(limit=2))
    assert found == PASSAGES[:2]
    assert store.asked[0].limit == 2


def test_what_is_not_reranked_follows_and_equals_keep_their_order():
    found = rerank(OverlapReranker(), "roaming", PASSAGES, 2)
    assert [one.text for one in found] == ["Roaming costs 5 euros.", "Our shops open at nine.", "Roaming."]
    assert [one.rank for one in found] == [1, 2, 3]
    assert found[0].score == 1.0
    equal = rerank(OverlapReranker(), "unrelated", PASSAGES, 3)
    assert [one.text for one in equal] == [one.text for one in PASSAGES]


def test_each_search_of_a_batch_is_made_with_its_own_principals():
    store = Store(PASSAGES)
    searches = [Search("Roaming?", ("staff", "ana")), Search("Roaming?"), Search("Roaming?", ())]
    search_many(store, HashingEmbedder(), searches, Depth(limit=2))
    assert [query.principals for query in store.asked] == [("staff", "ana"), ("everyone",), ()]
