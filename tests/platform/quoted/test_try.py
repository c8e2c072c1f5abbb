def test_it(quoted, dragoman, files):
    for args in (("results","g"),("rank","g"),("rank","g","--table","ranking","--latex"),("compare","g","paper","tuned"),("compare","g","paper","tuned","--with-quoted"),("results","g","--with-quoted","--table","quoted"),("results","g","--table","pairs","--csv"),("query","g"), ("results","g","--table","partitions","--latex")):
        done = dragoman(*args)
        print("$", *args, done.code); print(done.out); print(done.err)
    done=dragoman("add-scores", "g", "paper", str(files / "table.csv"),"--cite", "Doe et al. 2026, table 5", "--signature", "sacrebleu 13a"); print(done)
    assert 0
