"""Which label the free-text name of a modelled object stands for, if any.

For judging when a model should say "unknown": by its name an object is a known thing, a stranger, so near to
a label that nobody should be blamed for either answer, a piece of a building, or a fragment.
"""

from __future__ import annotations

import re

# Neither known nor strangers: near a label, pieces of buildings, fragments.
NEAR, STRUCTURE, FRAGMENT = "(near)", "(structure)", "(fragment)"
STRANGER = "(stranger)"

# An outcome, and below it regular expressions of whole names, of which the first that matches counts. A dot
# stands for the space between words.
_RULES = r"""
(fragment)
    door.?(double|single|single.?long).wall.* ar body.* barrel_(ar|grenade|pistol|single|sniper).*
    barrel.ar grip.* magazine.* stock.* scope.* sight.* handguard.* bars trunck tunnel.* details.*
    island island.extension support.* cloud.* smoke numbers.* heart.* flag.* goal.flag terrain.*
    mountain.* path.* meteor.* crater.* rope.* cable.* item.* resource.* puzzle formation.* node
    omen category name cloud bip.* number platform.* movingplatform.* story.*
    tower.(base|square|top|balcony).* props.base lure.* arrow.* .*crop metal.(tile|structure).*
    metal.fence.* firstaidkit.* target.* torch.* thunder star collectible.* pickup.* enemy.* mineral
    crystal.* spike.* hazard.* trap.* beartrap.* lever.* raft.paddle grass.* holding.* casual.*
    character.* props.* .*(level|secondage|firstage).* streets? street.* concrete.sidewalk
    street.(straight|curve|bridge|deadend|elevated|empty|way).* rail.* railway.* rails
(fragment)
    \d?.?story.* wonder.?walls.* roof.?tile.* .*(tower.bricks|castle).* modular.* .*\d.panes
    .*with.panes .*large.pane shower.door door.frame round.door.frame elevator.* moving.?platform.*
    long.?window.* three.?windows.* door(double|single).* .*.wall.side.? blue.pine.*
    contemporary.living.room little.bank sci.?fi station.* styrofoam race.futrure diving.board
    sandpit spilling.* garden.faucet hose.reel .*fries.* scroll parchment .*plug .*switch socket
    bear.?trap.* wood.?log.* wooden.?torch.* wood.?(logs|fire|bank) bonfire.* mine cobweb.* gem.*
    shield.* shoulder.?pads snowflake.* mountain.* ring.* coin.* bomb bill.* .*iMac.* peach.blossom
    basketball.net siege.* hay resource.* path.* .*lavatory intercom.* entry.* folded.clothes
    football.goal hanging.clothes skirt short dress jacket trousers
(structure)
    wall.* walls? .*wall .*walls modularstonewall.* floor.* floortile.* .*tile .*tiles rooftile.*
    ceiling.* window.* .*window .*windows longwindow.* threewindows.* .*french.window.*
    .*arched.window.* doorway.* frame.* .*carpet.* rug.* .*rug tatami.* bathmat doormat fence.*
    .*fence gate .*gate stairs.* staircase.* .*staircase column.* .*column modularcolumn.*
    porch.column.* arch.* entrance.* railing .*railing.* hedge.* .*hedge curtain.* .*curtain.*
    blind.* paneling decorative.wall ground.* parking.slot.* pedestrian.* swimming.pool
    .*swimming.pool round.swimming.pool bridge.* .*bridge ramp.* .*ramp.*
    aws.*(elevator|floor|walls|ceiling|curtain).* portal sliding.door.* screen.door service.hatch
    garage.door.* wallcover.* wallbricks wallrocks wallentrance tall.?wall.* cube.* dock.* escalator
    rockplatforms.* banner.*
airplane
    biplane commercial.airplane military.airplane private.plane small.plane spitfire airplane.*
    plane
animal
    alpaca bear bull bulldog cat siamese.cat cow deer dog donkey elk fox horse horse.white husky
    rabbit rat reindeer stag wolf velociraptor stegosaurus trex parasaurolophus
bathtub
    bathtub .*bathtub bath fitted.bath island.bath
bed
    bed bed.(double|king|single|twin) iron.bed hospital.bed captain.?s.bed day.bed
bicycle
    bicycle square.frame.bicycle bike
bird
    chicken seagull
bottle
    bottle water.?bottle beer.bottle waterbottle wine.bottle soda.bottle bottle.musterd
building
    building.* hospital bank large.tower flat
car
    car car.model sports.car.* sport.?car taxi suv police.car cop.car cop.suv normal.car.* basic.car
    race.car.* concept.sedan.* hatchback vw.* smart.car chevrolet ford.focus peugeot.* renault.*
    seat.leon challenger simple.car.*
chair
    chair.* .*chair
computer
    computer computer.large laptop apple.ibook
cup
    cup coffee.cup plastic.cup expresso.cup chalice glass.wine
desk
    desk desk.(corner|table) wooden.desk
door
    door door.(double|round|single|straight) double.door exterior.door front.door rounded.door
    open.door
dresser
    dresser.* drawers? drawers.cabinet
fish
    .*fish anglerfish royal.?gramma moorish.?idol yellow.?tang armoredcatfish betta blacklionfish
    blobfish bluegoldfish butterflyfish cardinalfish cowfish fish flatfish goblinshark goldfish
    humphead koi mandarinfish moorishidol parrotfish piranha puffer royalgramma shark sunfish
    swordfish tang tetra tuna whale dolphin yellowtang zebraclownfish
gun
    gun pistol.* rifle.* revolver.* shotgun.* sniper.* smg.* flaregun
hat
    hat cap
house
    house house_.* house\d* medieval.house cabin
insect
    wasp spider
knife
    knife kitchen.knife
lamp
    lamp.* .*lamp light.(floor|street|ceiling|chandelier).* street.?light.* classic.lamppost
    park.light hanging.light
monitor
    tv tv.?\d* flat.tv television.(modern|vintage) computer.screen screen apple.imac wall.flat.tv
motorcycle
    motorbike yamaha.*
mug
    mug coffee.mug
musical.instrument
    electric.guitar grand.piano upright.piano piano xylophone
night.stand
    nightstand night.stand bedside.table
person
    male female boy girl worker farmer pirate.captain sitting.* astronaut survivor.female
    skater.male
plant
    houseplant.* plant.* decorative.plant bush.* cactus.* potted.plant little.plant indoor.plant
    succulent.plant spider.plant yucca ficus orchids bamboo flowers?.* tulips fern.*
shelf
    shelf.* shelves bookcase.* book.?case.* bookshelf filled.bookcase full.bookcase vertical.shelves
ship
    boat.* ship ship.(light|wreck) cruise.?ship sail.ship viking.boat rowboat lifeboat
sign
    sign.* traffic.sign emergency.sign
sofa
    sofa.* .*sofa couch.* .*couch bench.* (concrete|painted|piano).bench lounge.sofa.* futon.*
spaceship
    space.?craft.* spaceship.* striker dispatcher insurgent bomber
sword
    sword.* claymore katana shortsword pirate.sword
table
    table table.\d .*table table.(big|coffee|cross|glass|large|round|small|roundlarge|roundsmall).*
toilet
    toilet bathroom.toilet toilet.unit
tool
    hammer.* screwdriver saw tool.* cutting.pliers shovel.* axe.*
train
    train locomotive.front high.speed.front
tree
    tree.* .*tree .*tree.* birchtree.* commontree.* pinetree.* pine.* palm.* palmtree.* willow.*
    poplar acacia sycamore.maple cypress japanese.maple copper.beech
truck
    truck firetruck ice.cream.truck ambulance pickup.truck
vase
    vase.*
(near)
    apple.?i.* tablet workbench abdominal.bench .*table.* flare.?gun shipping.container
    bathroom.(sink|washing.?machine|shower\d?) lettuce.* .*boxes book.* books? computer.* keyboard
    .*phone .*chessboard fire.?place.* jacuzzi .*stand club dart.* brass.telescope short.?sword
    wine.red basin pedestal.* plate,.* .*(tree|logs).* bidet urinal.* toilets?.* potty .*toilet.*
    aws.* stool.* bar.stool .*stool seat .*seat puff ottoman armchair.* .*ottoman bouncer lounge.*
    pool.lounge baby.* .*bunk.* bunk.* child.bed crib.* loft.bed mezzanine.bed cabinet.bed.*
    convertible.* opened.* air.mattress hammock sleeping.bag tricycle indoor.bike scooter.* tower.*
    .*tower towers .*towers castle.* temple.* .*temple pantheon barn.* .*barn igloo child.hut
    garden.hut dog.house doll.house chicken.coop gazebo silo.* windmill.* shop market.* well
    .*building.* blacksmith simpletower.* largetower.* largesimpletower.* smalltower.* smallsquare.*
    pointytower watch.?tower.* archery.* barracks.* farm.* chimney.* .*chimney tank.* tractor van
    bus city.bus school.bus .*bus cart wheelbarrow stroller fork.lift mower cabinet.* .*cabinet.*
    cupboard.* wardrobe.* closet.* .*closet .*unit vanity.* .*vanity locker locked.* chest.* safe
    high.cabinet console.* kitchen.(cabinet|bar|drawers|sink|upper).* locomotive.* cargo.* wagon.*
    high.speed.wagon toy.train phone mobile.phone tv.* television.* video.projector glass.*
    beer.glass bowl.* mortar pot pottery flacon potion.* props.vessel.* jar old.jar pitcher teapot
    bucket can.* soda.* medicine.* spray.bottle yogurt.bottle barrel.* candle.* lantern .*lantern
    candelabrum.* spotlight.* .*light .*lights light.* ceiling.fan.* chandelier.* .*chandelier.*
    uplight.* turret.* cannon.* grenade.* crossbow.* bow.* dagger.* spear.* scythe.* .*saw mace.*
    weapon.* blaster.* launcher.* laser.* winchester.* glove helmet.* crown hood.* armor.*
    adventurer alien.* robot dummy mannequin.* knight.* king.* witch doll cop dogue leela lucy
    goblin.* .*female.* .*male.* man.* woman.* suit.* formal punk spacesuit astronaut.* george
    skull.* bone.* mech.* snowman.* statue.* .*horse.* spathiphyllum bonsai.* white.lily lilypad
    mushroom.* tree.* treestump.* woodlog.* logs wheat.* corn.* bushberries.* rice.* crops.* grass.*
    rock.* frog snake.* worm crab dragon fish.* fishbone.* squid.* mussel whale.* sign.* .*sign cone
    traffic.* .*trafficlight trafficlight screen.* book.?shel.* stand shelv.* .*shelf.* .*shelves.*
    rack .*rack radiator.* boat.* raft.* dock.* wheel.* steering.* tyre.* cooking.* utensil.* pan.*
    spoon fork ladder.* .*ladder step.* pipe.* cutlery.* pencil.* hair.* hammer.* cutter.* .*cutter
    chopstick.* wrench .*brush broom brush
"""


def outcome_of(name: str) -> str:
    """A label of the bundled model, or NEAR, STRUCTURE, FRAGMENT or STRANGER."""
    plain = plain_name(name)
    return next((outcome for outcome, pattern in _PATTERNS if pattern.fullmatch(plain)), STRANGER)


def plain_name(name: str) -> str:
    """In lower case without numbers behind: "NightStand 2" and "night_stand" are both "night stand"."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = re.sub(r"[\W_]+", " ", words).strip().lower()
    return re.sub(r"(\s\d+)+$", "", re.sub(r"(?<=[a-z])\d+$", "", plain))


def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    found: list[tuple[str, list[str]]] = []
    for line in _RULES.strip().splitlines():
        if line.startswith(" "):
            found[-1][1].extend(line.split())
        else:
            found.append((line.replace(".", " "), []))
    return [(outcome, re.compile("|".join(f"(?:{one})" for one in many))) for outcome, many in found]


_PATTERNS = _patterns()
