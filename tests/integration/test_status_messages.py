"""`reeve status` shows what of a unit's files is not in force."""


def test_settings_that_are_not_implemented_are_shown(reeve):
    reeve.write("image.service", """
        [Service]
        RootImage=/no/image
        Restrat=no
        ExecStart=/bin/sleep infinity
    """)
    reeve.write("plain.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("start", "image.service", "plain.service")

    lines = reeve.show("image.service", "ReeveMessages")
    assert "image.service:2: RootImage=" in lines and "Restrat" in lines
    text = reeve.run("reeve", "status", "--no-pager", "image.service").stdout
    assert "Messages: /etc/systemd/system/image.service:2: RootImage=: directive not supported" in text
    # Without any, nothing is added to what systemctl shows.
    assert "ReeveMessages" not in reeve.ctl("show", "plain.service")
    assert "Messages:" not in reeve.run("reeve", "status", "--no-pager", "plain.service").stdout
