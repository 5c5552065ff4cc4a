"""English sentences of our own, one a line, from which the cipher puzzles cut their texts. Written to vary in subject and to hold the rare letters often enough."""

from __future__ import annotations

import random

TEXT = """
The baker opened the shop before sunrise and lit the old brick oven
A quiet river bends twice before it joins the grey northern sea
Seven boxes of yellow quince jam waited on the kitchen table
Our neighbour fixes broken clocks in a tiny room above the garage
The jury asked for another question to be put to the witness
Fresh snow covered the village while everyone was still asleep
She painted the wooden bridge with three coats of dark green paint
Zebras and giraffes share the dry plain during the hot season
The express train to the coast leaves from platform six at noon
My grandmother kept a jar of buttons next to her sewing machine
A fox jumped over the garden wall and vanished into the hedge
The museum bought an oxidised bronze helmet from a private collector
Please bring a map, a compass and enough water for two days
The orchestra rehearsed the difficult second movement until midnight
Nobody expected the quiet student to win the chess prize
Waves knocked the small boat against the harbour wall all night
The judge adjourned the hearing because the interpreter was ill
Every lizard on the warm rock looked up when we walked past
They measured the height of the tower with a stick and its shadow
A lazy afternoon in the hammock was exactly what he needed
The recipe calls for two cups of flour and a pinch of salt
Jackdaws built their nest in the chimney of the empty house
The engineer explained why the bridge hums in a strong wind
We counted forty boxes but the invoice listed only thirty nine
The moon rose behind the pines and silvered the frozen lake
An expert examined the violin and doubted that it was genuine
The children built a raft from planks, rope and empty barrels
Rain drummed on the zinc roof until we could hardly hear each other
The gardener planted a row of tall sunflowers along the fence
He wrote long letters home but never posted a single one of them
Quick thinking saved the crew when the engine caught fire
The library closes early on Friday during the winter months
A puzzle with missing pieces is still worth an evening of work
The pilot adjusted the course to avoid the growing storm
Five wizards argued about the proper spelling of one old charm
The market smelled of oranges, leather and freshly ground coffee
Our teacher drew a perfect circle on the board without a compass
The dog refused to cross the bridge until somebody carried it
Thick fog delayed every ferry between the islands that morning
The queen of the hive lays more than a thousand eggs a day
Joking aside, the plan might work if we begin before dawn
The surveyor marked each corner of the field with a white post
A single spark from the chimney set the dry thatch alight
The old cinema now houses a school for circus acrobats
She could identify forty kinds of moss by touch alone
The explorers mixed melted snow with oats for their breakfast
Two trucks blocked the narrow road behind the brewery
The jeweller weighed the topaz twice and wrote down the result
Autumn leaves gathered in the fountain and clogged the drain
The tax office sent the same form to every house in the street
A gentle breeze carried the sound of bells across the valley
The kitchen clock was seven minutes fast, as it had always been
Frozen pipes kept the plumber busy for the whole of January
The captain trusted his own eyes more than any instrument
Mix the blue powder with water and stir until it turns violet
The boxer trained in an unheated barn outside the town
Her cousin exports dried figs and walnuts to eleven countries
The shepherd whistled and both dogs dropped flat in the grass
A zigzag path leads from the chapel down to the beach
The printer jammed twice while I copied the exam papers
No map shows the spring where the deer come to drink
The carpenter quoted a fair price for the oak staircase
The lighthouse keeper grew tomatoes in a row of buckets
Subtle changes in the rhythm kept the audience awake
The equator passes through thirteen countries and two oceans
His jacket was soaked before he reached the end of the lane
The puppet theatre toured the mountain villages by ox cart
Six black swans crossed the pond in a perfectly straight line
A crumpled note in the drawer explained the whole affair
The weaver joined the broken thread with an invisible knot
They buried the time capsule beneath the youngest apple tree
The violinist tuned by ear and ignored the electronic gadget
Our guide knew a shortcut through the quarry and the birch wood
The committee rejected the proposal by a majority of one
A wax seal protected the letter from curious eyes
The glacier shrinks by the width of a street every year
Someone had swapped the sugar for salt as a clumsy joke
The farmer exchanged a calf for six sacks of seed potatoes
Bright kites wobbled above the dunes until the wind dropped
The chemist labelled every flask before she went to lunch
The final chapter answers none of the questions it raises
A squirrel stole the hazelnuts that we had left on the sill
The tunnel saves an hour but the pass has the better view
The actor forgot his line and invented a better one
We followed the tracks of a lynx until they reached the stream
The mayor promised a new swimming pool before the next election
Copper wire and a magnet are enough to make a simple motor
The quarrel between the brothers lasted exactly one week
A spider rebuilt her web on the gate every single morning
The apprentice polished the lens for twelve hours without a break
Cheap maps often leave out the footpaths that walkers want
The jazz band played on although half of the lights had failed
The vineyard on the south slope survived the late frost
Grey herons stood like statues along the edge of the marsh
The clerk stamped the form without reading a word of it
A fallen beech blocked the track just beyond the second gate
The astronomer waited eleven years for a second look at the comet
Bees will not fly far when the air smells of thunder
The wool was dyed with onion skins and dried on the fence
The museum guard hummed quietly to keep himself awake
A bag of flint and an axe were all that the hunters left behind
The bus driver greets every passenger by name
The ink had faded but the signature was still legible
Large ships must wait outside the harbour for a local pilot
The quilt was sewn from shirts that four brothers had outgrown
The radio crackled and then a calm voice read the forecast
An owl watched us from the beam and never blinked
The students voted to extend the deadline until Monday
The cellar stays cool enough for cheese even in July
A broken axle kept the caravan in the oasis for nine days
The tailor measured twice, cut once and still ran short of cloth
Zinc and copper together make the brass of a trumpet
The ferry turned back because the jetty was under water
Our maths club meets in the room behind the gymnasium
The botanist pressed each flower between sheets of newspaper
A row of poplars shields the orchard from the east wind
The king exiled his jester for telling the truth too often
The cook tasted the soup, frowned and reached for the pepper
Two anglers shared one umbrella and a flask of strong tea
The archive keeps every letter that the society ever received
The mechanic found a mouse nest inside the air filter
A velvet curtain hid the door to the prompter's box
The experiment failed because somebody had opened a window
The hikers dried their socks on the handle of the stove
Jellyfish drifted into the bay after three days of warm wind
The translator argued that the joke could not be saved
The bricks of the kiln glowed long after the fire was out
A faint smell of gas made the caretaker open all the doors
The youngest sister won the race by less than a second
The organ in the chapel has pipes of tin, lead and pine
Gravel crunched under the wheels as the doctor arrived
The river froze so hard that carts could cross it in March
The painter ground his own colours from earth and crushed stone
We fixed the sail with tape and hoped for gentle weather
The detective noticed that the clock in the hall had stopped
A cloud of starlings turned above the roof like smoke
The violet light of the aquarium made everyone look unwell
The smith quenched the glowing blade in a trough of oil
Thunder rolled around the hills but no rain fell
The grocer stacked melons into a pyramid beside the door
The visiting professor lectured on the history of zero
An empty bottle floated from one continent to another
The judges could not agree which cake was the lightest
The old mill grinds buckwheat twice a week for visitors
Her suitcase held nothing but books and one wool sweater
The fireworks began ten minutes late because of fog
The plumber blamed the architect and the architect blamed the frost
A juggler kept six oranges in the air and never looked up
The editor crossed out every adjective on the first page
The canal is too narrow for modern barges to pass each other
The parrot repeats the last thing that anyone says
Our tent leaked, our matches were wet and nobody complained
The physicist kept her best ideas on the backs of envelopes
The bronze gong is struck once at the close of each market day
A pair of oxen pulled the felled trunk out of the forest
The baker's dozen is a custom that few shops still honour
The referee had to explain the rule to both teams again
The kayak slipped between the rocks without touching one
White steam rose from the valley where the hot springs are
The puzzle in the Sunday paper kept the whole family quiet
The builders found a Roman coin while digging the drain
The quiz began with an easy question about planets
The last tram goes at half past twelve except on holidays
A crow learned to drop walnuts in front of passing cars
The nurse checked the list and called the next patient
Warm air rises, cools above the ridge and turns into cloud
The shop sells maps, compasses and very heavy boots
The inventor sold the patent before he knew what it was worth
The walls of the fort are thicker than the rooms are wide
Every evening the lamplighter passed our window at six
The goat ate the label, the string and most of the parcel
The flight to Zurich was delayed by a flock of geese
The violin maker tapped the wood and listened with closed eyes
A queue had formed outside the bakery long before it opened
The expedition crossed the desert by night to save water
The toddler stacked nine cubes and clapped when they fell
The auditor found an error of exactly one penny
The hedge hides a gate that nobody has used for years
The chess master played thirty games at once and lost two
Rust had eaten through the hinge, so the door would not close
The diver surfaced with a handful of sand and one black pearl
The author changed the ending after talking to her plumber
The mist lifted and we saw how near the cliff had been
A jug of cold milk stood in the shade of the well
The council will fix the potholes when the frost has gone
The snail crossed the path in a little under an hour
The harvest festival ends with a dance around the oldest oak
The watchmaker needs a steady hand and a very good lamp
The band marched through the square in spite of the hail
The ship's cook was also its surgeon and its barber
Four judges tasted the honey and praised the darkest jar
The cyclist oiled the chain and pumped both tyres
The banjo hung on a nail beside the kitchen window
A whale passed so close that its breath wetted the deck
The geologist licked the rock and called it siltstone
The wedding guests danced until the fiddler broke a string
The equipment was packed in foam and marked as fragile
The skipper coiled the rope in wide, flat loops
The train crosses the viaduct at walking pace in high wind
The sculptor left the marble block untouched for a year
An extra blanket lay folded at the foot of every bed
"""

WORDS = [["".join(char for char in word.upper() if char.isalpha()) for word in line.split()] for line in TEXT.strip().splitlines()]


def piece(rng: random.Random, length: int) -> str:
    """`length` letters of running text from a random word on; text that ends too soon goes on with another sentence."""
    words = rng.choice(WORDS)
    text = "".join(words[rng.randrange(len(words)) :])
    while len(text) < length:
        text += "".join(rng.choice(WORDS))
    return text[:length]
