"""Common words, which a keyword spotter hears most of the time."""

from __future__ import annotations

import functools


@functools.cache
def common_words() -> tuple[str, ...]:
    """Return about 900 common English words, in alphabetical order."""
    return tuple(sorted(_TEXT.split()))


_TEXT = """
able about above accept across act add after again age ago air alarm all alone along also always among and animal
answer any apple area arm army around art ask autumn away baby back bad bag bake balance ball band bank bar base bath
beach bean bear beat bed bee before begin behind bell below belt bench best better between big bike bill bird bit black
blade blood blow blue board boat body bone book border born both bottle bottom bowl box boy branch brave bread break
bridge bright bring broken brother brown brush build bus busy but butter button buy cable cake call camera camp can
candle car card care carry case cat catch cause ceiling center chain chair chance change cheap check cheese chicken
child choose church circle city class clean clear clock close cloud coat coffee coin cold color come common control
cook cool copper corn corner cost cotton could count country cover cow crime cross crowd cup curtain cut daddy dance
dark date daughter day deal dear deep deer desk detail device dinner dirty doctor dog dollar door double draw dream
dress drink drive drop dry duck during dust each ear early earth east easy eat edge egg eight empty end engine enjoy
enough even evening ever every eye face fact fall false family far farm fast fat father feel feet fell fence few field
fifty fight fill film find fine finger finish fire first fish five flat flight floor flower fly fold follow food foot
for forest forget fork forty forward four free fresh friend from front fruit full funny game garden gas gate gather
gentle get gift girl give glad glass goal gold good grass gray great green ground group grow guess guest guide gun hair
half hall hammer hand happy hard hat have head hear heart heat heavy help her here hide high hill history hit hold hole
holiday home honey hope horse hospital hot hotel hour house how human hundred hungry hurry ice idea if inside into iron
island job join juice jump just keep key kick kind king kitchen knee knife knock know lady lake lamp land language large
last late laugh law lay lead leaf learn leave leg lemon length less lesson let letter level library lie life lift light
like line lion lip list listen little live local lock long look lose lost loud love low lucky lunch machine made mail
main make man many map mark market marvin matter may maybe meal mean measure meat meet member mess metal middle midnight
mile milk million mind minute mirror miss money monkey month moon more morning most mother mountain mouse mouth move
much mud museum music must my nail name narrow near neck need needle neighbor nest net never new news next nice night
nine nobody noise none noon north nose not note nothing now number nurse ocean of offer office often oil old on once one
onion only open orange order other our out oven over own page paint pair pan paper parent park part party pass past path
pay peace pen pencil people pepper perfect phone photo piano picture piece pig pilot pin pink place plan plane plant
plate play please plenty pocket point police pool poor pot potato pound power present press pretty price print problem
proud public pull pump puppy purple push put queen question quick quiet quite radio rain raise rat rather reach read
ready real red rest rice rich ride ring rise river road rock roll roof room root rope rose rough round row rule run sad
safe said sail salt same sand save say scale school science scissors score sea season seat second see seed sell send
sense service set seven seventy shade shadow shake shall shape share sharp sheep sheet sheila shelf shine ship shirt
shoe shop short shoulder shout show shower shut sick side sign silver simple since sing sister sit six sixty size skill
skin sky sleep slide slow small smell smile smoke snake snow so soap sock sofa soft soil some son song soon sorry sort
soul sound soup south space speak spell spend spoon sport spot spring square stage stair stamp stand star start state
station stay steal steam steel step stick still stone stop store storm story straight strange stream street string
strong student study such sugar summer sun sure sweet swim table tail take talk tall tank tape taste tax tea teach team
ten test than thank that the then there thick thin thing think third thirty this three throat through throw thumb
thunder ticket tie tiger tight time tin tiny tip tire title toast today toe together tomato tongue too tool tooth top
total touch toward town toy track trade train travel tree trip trouble truck true trust try tube turn twelve twenty two
type uncle under until up upon upper us use valley very video view village visit voice volume wait wake walk wall want
war warm wash watch water wave way weak wear weather week well went west wet what wheel when where which while white who
whole why wide wife wild will win wind window wine wing winter wire wish with woman wood word work world worry would
wow write wrong yard year yell yellow yes yesterday yet you young zebra zero
"""
