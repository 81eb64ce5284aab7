"""The kit behind the notebooks, laid out as a house: imports only go down.

    floor 3   check    explore    exercises, claims and progress; live views of the floors below
    floor 2   scale               one training run on many machines: data, sharded, tensor and pipeline parallel
              serve               a model behind HTTP: batches of waiting requests, and the load that tests it
    floor 1   models              GPT, BERT, T5 and their kin, each a page
              recsys              recommenders: neighbours, factorisation, factorisation machines, DeepFM
              train               the training loop, checkpoints, precision, decoding
              compress            a smaller model from a large one: pruned, quantised, distilled, shared
              frontier            learning without labels, explaining a decision, living with a changing world
    floor 0   learn               losses, optimisers, schedules: what every later room computes with
              blocks              attention, positions, norms: what the models are made of
              text                a corpus, its cleaning, its tokens, and the floor for a model of it
    ground    arguments  files  machine
                                  refuse bad input; find data/; know this machine

Each name has one address: `from kit.learn.descent import descend`.
"""
