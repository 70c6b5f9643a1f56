"""自治体標準オープンデータセット and its forerunner 推奨データセット (formats document g): what makes which entity.

A data set is known by the name in the file's name (`172014_aed_20260401.csv`), else by a column only it has.
"""

from collections.abc import Mapping
from typing import NamedTuple

from models import Event, Model, PointOfInterest, TouristDestination, WifiPointOfInterest

# what nearly every data set has, in the words of the newer and of the older standard
COMMON: dict[str, tuple[str, ...]] = {
    "municipality": ("全国地方公共団体コード", "都道府県コード又は市区町村コード"),
    "number": ("ID", "共通ID", "NO", "No", "番号"),
    "name": ("名称", "施設名", "施設名称", "施設・場所名", "イベント名", "名称_日本語"),
    "name_kana": ("名称_カナ", "施設名_カナ", "イベント名_カナ"),
    "name_en": ("名称_英語", "施設名_英語", "イベント名_英語"),
    "address": ("所在地_連結表記", "住所", "所在地"),
    "prefecture": ("所在地_都道府県", "都道府県名"),
    "city": ("所在地_市区町村", "市区町村名"),
    "town": ("所在地_町字",),
    "block": ("所在地_番地以下",),
    "building": ("建物名等", "方書"),
    "postcode": ("郵便番号",),
    "latitude": ("緯度",),
    "longitude": ("経度",),
    "telephone": ("電話番号", "連絡先電話番号"),
    "extension": ("内線番号",),
    "email": ("連絡先メールアドレス", "メールアドレス"),
    "operator": ("設置者", "設置者名", "管理者", "管理者名", "主催者", "運営主体", "法人の名称", "事業者名", "団体名"),
    "description": ("説明", "概要", "説明_日本語", "備考"),
    "page": ("URL", "ウェブサイト"),
    "days": ("利用可能曜日", "営業曜日", "診療曜日"),
    "opens": ("開始時間", "営業開始時間", "利用開始時間"),
    "closes": ("終了時間", "営業終了時間", "利用終了時間"),
    "remarks": ("利用可能日時特記事項", "利用日時特記事項", "時間特記事項"),
}

# column by which a place of refuge is fit for a hazard, newer standard and 国土地理院 alike
HAZARDS = {
    "flood": ("災害種別_洪水", "洪水"),
    "landslide": ("災害種別_崖崩れ、土石流及び地滑り", "崖崩れ、土石流及び地滑り"),
    "stormSurge": ("災害種別_高潮", "高潮"),
    "earthquake": ("災害種別_地震", "地震"),
    "tsunami": ("災害種別_津波", "津波"),
    "fire": ("災害種別_大規模な火事", "大規模な火事"),
    "inlandFlood": ("災害種別_内水氾濫", "内水氾濫"),
    "volcano": ("災害種別_火山現象", "火山現象"),
}
HAZARD_COLUMNS = {f"hazard_{hazard}": names for hazard, names in HAZARDS.items()}


class Dataset(NamedTuple):
    """One data set: what its rows become, of which category, the columns it has besides `COMMON`, and what marks it."""

    name: str
    model: type[Model]
    category: str
    columns: Mapping[str, tuple[str, ...]]
    marks: tuple[str, ...]


_EVENT = {
    "start_date": ("開始日", "開催日"),
    "end_date": ("終了日",),
    "place": ("場所名称", "開催場所", "会場"),
    "price": ("料金", "料金詳細"),
    "free": ("参加費無料",),
    "capacity": ("定員",),
    "access": ("アクセス方法",),
}

DATASETS = (
    Dataset(
        "public_wireless_lan",
        WifiPointOfInterest,
        "",
        {"ssid": ("SSID",), "coverage": ("提供エリア",)},
        ("SSID",),
    ),
    Dataset(
        "aed",
        PointOfInterest,
        "aed",
        {"installation_place": ("設置位置",), "child_pads": ("小児対応設備の有無",)},
        ("小児対応設備の有無",),
    ),
    Dataset(
        "evacuation_space",
        PointOfInterest,
        "evacuationSite",
        {"capacity": ("想定収容人数", "収容人数"), "target_area": ("対象となる町会・自治会",)} | HAZARD_COLUMNS,
        ("災害種別_洪水", "指定緊急避難場所", "施設・場所名"),
    ),
    Dataset(
        "tourism",
        TouristDestination,
        "",
        {"price": ("料金", "料金_基本", "料金詳細"), "access": ("アクセス方法",)},
        ("料金_基本", "観光施設名"),
    ),
    Dataset("event", Event, "", _EVENT, ("イベント名", "開始日")),
    Dataset("public_toilet", PointOfInterest, "publicToilet", {}, ("男性トイレ総数", "男性トイレ数_小便器")),
    Dataset("hospital", PointOfInterest, "hospital", {}, ("診療科目", "医療機関の種類")),
    Dataset("care_service", PointOfInterest, "careService", {}, ("介護保険事業所番号", "実施サービス")),
    Dataset("preschool", PointOfInterest, "preschool", {"capacity": ("収容定員",)}, ("受入年齢", "種別_認可")),
    Dataset("cultural_property", PointOfInterest, "culturalProperty", {}, ("文化財分類", "文化財名")),
    Dataset("fire_hydrant", PointOfInterest, "fireHydrant", {}, ("消防水利種別", "口径")),
    Dataset("public_facility", PointOfInterest, "publicFacility", {"capacity": ("定員",)}, ("POIコード",)),
)
BY_NAME = {each.name: each for each in DATASETS}
