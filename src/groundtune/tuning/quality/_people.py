"""Words that tell which group of people a text is about: names, pronouns, nouns, and adjectives of origin and religion.

English words only. The lists are short, and on purpose without words that mean something else as often (Bill, Mark,
Grace, Jordan): what is not found is not counted, what is found is right most of the time. They say what a reader takes
a name for, never who somebody is.

Names: the white and Black American ones are those of Bertrand & Mullainathan 2004, "Are Emily and Greg More Employable
than Lakisha and Jamal?", American Economic Review 94, and of Caliskan, Bryson & Narayanan 2017, "Semantics Derived
Automatically from Language Corpora Contain Human-like Biases", Science 356. The others are common names, used as the
audit studies of Oreopoulos 2011 (Chinese, Indian and Pakistani names; American Economic Journal: Economic Policy 3),
Gaddis 2017 (Hispanic; Socius 3) and Widner & Chicoine 2011 (Arab; Sociological Forum 26) use them. Gendered nouns: Zhao
et al. 2018, "Gender Bias in Coreference Resolution", NAACL. Regions: the United Nations' M49 standard.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class SocialGroup(NamedTuple):
    """A group of people, on the axis on which it is told from others: ("gender", "female")."""

    axis: str
    name: str


FEMALE, MALE = SocialGroup("gender", "female"), SocialGroup("gender", "male")
BLACK, WHITE = SocialGroup("origin", "Black or African"), SocialGroup("origin", "white or European")
EAST_ASIAN, SOUTH_ASIAN = SocialGroup("origin", "East Asian"), SocialGroup("origin", "South Asian")
HISPANIC, ARAB = SocialGroup("origin", "Hispanic or Latin American"), SocialGroup("origin", "Arab or Middle Eastern")
CHRISTIAN, MUSLIM = SocialGroup("religion", "Christian"), SocialGroup("religion", "Muslim")
JEWISH, HINDU = SocialGroup("religion", "Jewish"), SocialGroup("religion", "Hindu")

NAMES: Mapping[tuple[SocialGroup, SocialGroup], tuple[str, ...]] = MappingProxyType(
    {
        (WHITE, FEMALE): tuple(
            "Allison Anne Carrie Emily Jill Laurie Kristen Meredith Sarah Amanda Courtney Heather Melanie Katie Betsy "
            "Kristin Nancy Stephanie Ellen Lauren Colleen Megan Rachel".split()
        ),
        (WHITE, MALE): tuple(
            "Brad Brendan Geoffrey Greg Brett Matthew Neil Todd Adam Harry Josh Roger Alan Justin Ryan Andrew Stephen "
            "Paul Jonathan Peter".split()
        ),
        (BLACK, FEMALE): tuple(
            "Aisha Keisha Lakisha Latonya Latoya Tamika Tanisha Nichelle Shereen Latisha Shaniqua Ebony".split()
        ),
        (BLACK, MALE): tuple(
            "Darnell Hakim Jamal Jermaine Kareem Leroy Rasheed Tremayne Tyrone Alonzo Jamel Alphonse Jerome Lamar "
            "Tyree Deion Lamont Malik Terrence Lavon Marcellus Wardell".split()
        ),
        (EAST_ASIAN, FEMALE): tuple("Xiuying Meiling Mei Yuki Sakura Minji Xiaoyan Jiayi".split()),
        (EAST_ASIAN, MALE): tuple("Wei Hiroshi Takeshi Jianguo Minjun Haoran Kenji Zhiwei".split()),
        (SOUTH_ASIAN, FEMALE): tuple("Priyanka Shreya Priya Ananya Lakshmi Deepika Sunita Hina".split()),
        (SOUTH_ASIAN, MALE): tuple("Arjun Rahul Rajesh Vikram Sanjay Sunil Asif Panav".split()),
        (HISPANIC, FEMALE): tuple("Guadalupe Alejandra Ximena Esperanza Marisol Yesenia Juana Consuelo".split()),
        (HISPANIC, MALE): tuple("Alejandro Jose José Juan Javier Miguel Jorge Pedro Hector Luis".split()),
        (ARAB, FEMALE): tuple("Fatima Khadija Zainab Layla Amina Yasmin Noor Samira".split()),
        (ARAB, MALE): tuple("Mohammed Muhammad Ahmed Mustafa Khalid Omar Hassan Abdullah".split()),
    }
)
"""Names that readers take for those of both groups."""

GIVEN: Mapping[SocialGroup, tuple[str, ...]] = MappingProxyType(
    {
        FEMALE: tuple(
            "Mary Jennifer Jessica Lisa Susan Karen Donna Diana Joan Amy Kate Ann Anna Laura Linda Barbara Patricia "
            "Elizabeth Margaret Julia Julie Jane Helen Emma Olivia Sophia Maria Michelle Kimberly Melissa Deborah "
            "Cynthia Angela Catherine Christine Samantha Rebecca Nicole Hannah Alice Victoria Martha Teresa Claire "
            "Lucy Molly Jenny Tracy Natalie Kathleen Pamela".split()
        ),
        MALE: tuple(
            "John James Robert Michael William David Richard Joseph Thomas Charles Christopher Daniel Anthony Steven "
            "Kevin Brian George Edward Ronald Timothy Jason Jeffrey Jacob Gary Nicholas Eric Larry Scott Benjamin "
            "Samuel Gregory Alexander Patrick Dennis Tyler Aaron Nathan Henry Douglas Kyle Mike Steve Jeff Tom Jim Joe "
            "Bob Carl Philip Oliver Simon Martin Ethan Noah Liam Keith Raymond".split()
        ),
    }
)
"""Further names given to one sex nearly always, in the United States (Social Security Administration)."""

NOUNS: Mapping[SocialGroup, tuple[str, ...]] = MappingProxyType(
    {
        FEMALE: tuple(
            "she her hers herself woman women girl girls female females lady ladies mother mothers mom mum daughter "
            "daughters sister sisters wife wives aunt niece grandmother granddaughter girlfriend bride widow madam "
            "actress waitress stewardess housewife saleswoman businesswoman policewoman chairwoman mrs".split()
        ),
        MALE: tuple(
            "he him his himself man men boy boys male males gentleman gentlemen father fathers dad son sons brother "
            "brothers husband husbands uncle nephew grandfather grandson boyfriend groom widower sir actor waiter "
            "steward salesman businessman policeman chairman mr".split()
        ),
        CHRISTIAN: tuple("christians catholics protestants baptists".split()),
        MUSLIM: tuple("muslims".split()),
        JEWISH: tuple("jew jews".split()),
        HINDU: tuple("hindus".split()),
        BLACK: tuple("africans nigerians kenyans ghanaians ethiopians somalis blacks".split()),
        WHITE: tuple(
            "europeans caucasians germans italians norwegians greeks spaniards englishman englishmen irishman irishmen "
            "whites scandinavians".split()
        ),
        EAST_ASIAN: tuple("koreans asians".split()),
        SOUTH_ASIAN: tuple("indians pakistanis bangladeshis".split()),
        HISPANIC: tuple(
            "hispanic hispanics latino latinos latina latinas latinx mexicans colombians peruvians cubans brazilians "
            "guatemalans salvadorans".split()
        ),
        ARAB: tuple("arab arabs iranians iraqis syrians egyptians lebanese moroccans palestinians".split()),
    }
)
"""Words that need nothing beside them, in small letters."""

ADJECTIVES: Mapping[SocialGroup, tuple[str, ...]] = MappingProxyType(
    {
        BLACK: tuple("black african nigerian kenyan ghanaian ethiopian somali".split()),
        WHITE: tuple(
            "white caucasian european german italian norwegian greek spanish english irish polish french dutch swedish "
            "scandinavian british".split()
        ),
        EAST_ASIAN: tuple("asian chinese japanese korean vietnamese taiwanese".split()),
        SOUTH_ASIAN: tuple("indian pakistani bangladeshi tamil punjabi".split()),
        HISPANIC: tuple("mexican colombian peruvian cuban brazilian guatemalan salvadoran venezuelan".split()),
        ARAB: tuple("arabic iranian iraqi syrian egyptian moroccan palestinian saudi turkish".split()),
        CHRISTIAN: tuple("christian catholic protestant baptist".split()),
        MUSLIM: tuple("muslim islamic".split()),
        JEWISH: tuple("jewish".split()),
        HINDU: tuple("hindu".split()),
    }
)
"""Words that are about people only with a person beside them: a black man, not a black telephone."""

PERSONS = tuple(
    "american americans person people man men woman women boy boys girl girls kid kids child children guy guys lady "
    "ladies male males female females folk folks family families community communities customer customers caller "
    "callers user users student students worker workers employee employees teacher neighbor neighbors neighbour "
    "neighbours friend friends doctor doctors driver drivers immigrant immigrants citizen citizens guest guests "
    "applicant applicants client clients tenant tenants wife husband mother father couple couples teenager teenagers "
    "youth gentleman".split()
)
COLOURS = frozenset(("black", "white"))
"""Adjectives that are about things wherever no person follows."""

NEGATIVE = frozenset(
    "abuse abused abusive angry annoying arrested ashamed awful bad cheat cheated cheating coward cowardly crime "
    "criminal cruel damage dangerous denied destroy destroyed dirty disappointed disgusting dishonest dreadful dumb "
    "evil fail failed failure foolish fraud fraudulent greedy guilty hate hated hateful helpless hopeless horrible "
    "hostile hurt idiot ignorant illegal immoral incompetent inferior insane irrational irresponsible kill killed lazy "
    "liar lying murder nasty pathetic poor poverty prison problem rape reckless rejected rude sad selfish shame steal "
    "stealing stupid suffer suffering suspicious terrible terrorism terrorist thief thieves threat threatening trouble "
    "ugly unacceptable useless violence violent weak worse worst worthless".split()
)
"""Words that VADER's lexicon gives -1.0 or less (Hutto & Gilbert 2014, "VADER: A Parsimonious Rule-based Model for
Sentiment Analysis of Social Media Text", ICWSM; MIT licence): people as bad, and bad things done by or to them."""
