import MMCore
import MMGuard
import Testing

@Suite("Hostile input", .timeLimit(.minutes(5)))
struct GuardFuzzTests {
    /// A small generator with a fixed seed: the same cases on every machine.
    struct Dice {
        var state: UInt64
        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        mutating func pick<Element>(_ list: [Element]) -> Element { list[next(list.count)] }
    }

    private static let words = [
        "Get-Mailbox", "Remove-Mailbox", "Set-Mailbox", "|", ";", "(", ")", "{", "}", "[", "]", "$x", "$_", "@x", "@(",
        "@{",
        "$(", "\"", "'", "`", "&", "&&", ".", "::", "-Identity", "-WhatIf", ":", ",", "=", "+", "1", "ann", "%", "?",
        "if",
        "foreach", "function", "param", ">", "2>&1", "#", "<#", "#>", "--%", "--", "iex", "[int]", "-replace", "\n",
        "\r", " ",
        "\u{200b}", "\u{0}", "\u{2028}", "é", "😀", "select", "e", "n", "@\"\n", "\n\"@", "*", "\\", "/", "~",
        "Invoke-MgGraphRequest",
        "-Uri", "/me", "POST", "-Filter", "where", "ft", "-ov", "switch", "try", "catch",
    ]

    @Test("no text makes the judge fail, and no text with a bare dangerous command is allowed")
    func scripts() {
        let engine = GuardEngine()
        var dice = Dice(state: 7)
        for _ in 0..<2_000 {
            let script = (0..<(1 + dice.next(24))).map { _ in
                dice.pick(Self.words) + (dice.next(2) == 0 ? " " : "")
            }.joined()
            let verdict = engine.judge(script: script, policy: .standard)
            for finding in verdict.findings { #expect(finding.place != nil) }
            // The same text behind a change is a change still.
            let more = engine.judge(script: "Remove-Mailbox ann\n" + script, policy: .standard)
            #expect(more.decision != .allow, "\(script)")
            #expect(more.guardClass != .read, "\(script)")
        }
    }

    @Test("a dangerous command is found in every place that a command can stand in")
    func places() {
        let engine = GuardEngine()
        let holes = [
            "(#)", "$(#)", "@(#)", "\"$(#)\"", "@\"\n$(#)\n\"@", "$x = #", "$x += #", "if (#) {}", "if (1) { # }",
            "if (1) {} else { # }", "foreach ($i in #) {}", "foreach ($i in 1) { # }", "while (#) {}",
            "do { # } while (1)",
            "do {} until (#)", "for (#;;) {}", "for (;#;) {}", "for (;;#) {}", "switch (#) { 1 {} }",
            "switch (1) { 1 { # } }",
            "switch (1) { default { # } }", "try { # } catch {}", "try {} catch { # }", "try {} finally { # }",
            "trap { # }",
            "return #", "throw (#)", "1 | % { # }", "1 | ? { # }", "1 | sort { # }", "1 | group { # }",
            "1 | select @{n='a';e={ # }}",
            "1 | ft { # }", "Get-Mailbox (#)", "Get-Mailbox -Identity (#)", "Get-Mailbox -Identity:(#)",
            "Get-Mailbox \"$(#)\"",
            "Get-Mailbox | #", "# | Get-Mailbox", "Get-Mailbox && #", "Get-Mailbox || #", "@{ a = # }", "@{ (#) = 1 }",
            "(#).Name",
            "$x[(#)]", "[int](#)", "[void](#)", "(#) -eq 1", "1 -eq (#)", "'{0}' -f (#)", "(#) ? 1 : 2", "1 ? (#) : 2",
            "$null ?? (#)", "!(#)", "-not (#)", ",(#)", "1..(#)", "'x'.Replace('x', (#))", "[math]::Max(1, (#))",
            "Get-Date > \"$(#).txt\"", "function f { # }", "filter f { # }",
            "class C { [void] m() { # } }; [C]::new().m()", "& { # }",
            ". { # }",
            "begin { # }", "process { # }", "end { # }", "clean { # }", "dynamicparam { # }", "param($a = (#))",
            "data { # }",
            "$x.$(#)", "(1).ForEach({ # })", "{ # }", "$x = { # }", "# &", "Write-Host (#)", "1,(#)", "$a = $b = #",
        ]
        for hole in holes {
            let script = hole.replacing("#", with: "Remove-Mailbox ann")
            let verdict = engine.judge(script: script, policy: .standard)
            #expect(verdict.decision != .allow, "\(script)")
            #expect(verdict.classes.contains(.destructive) || verdict.rule == "unparsed", "\(script): \(verdict.rule)")
            // And a read in the same place is no change of that kind.
            let read = engine.judge(script: hole.replacing("#", with: "Get-Mailbox ann"), policy: .standard)
            #expect(!read.classes.contains(.destructive), "\(hole)")
        }
    }

    @Test("nesting of any kind and depth is judged on a small stack")
    func nesting() async {
        let engine = GuardEngine()
        let shapes = [
            ("(", ")"), ("$(", ")"), ("@(", ")"), ("{", "}"), ("if(1){", "}"), ("1|%{", "}"), ("@{a=", "}"), ("!", ""),
            ("-not ", ""), ("[int]", ""), (",", ""), ("\"$(", ")\""), ("foreach($a in 1){", "}"), ("try{", "}catch{}"),
            ("switch(1){1{", "}}"), ("function f{", "}"), ("$x=", ""), ("$a?", ":2"), ("1+", ""), ("$a[", "]"),
            ("& ", ""),
            ("1|select @{n='a';e={", "}}"), ("[math]::Abs(", ")"), ("$a.b(", ")"), ("&{", "}"), ("while(1){", "}"),
        ]
        for (open, close) in shapes {
            for depth in [1, 30, 60, 90, 200, 2_000] {
                let script = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
                // A task of its own: its thread has the half megabyte of the pool.
                let isBounded = await Task.detached {
                    engine.judge(script: script, policy: .standard).findings.count <= 400
                }.value
                #expect(isBounded, "\(open) \(depth)")
            }
        }
        for chain in [
            "1" + String(repeating: "+1", count: 5_000), "$a" + String(repeating: ".b", count: 5_000),
            String(repeating: "Get-Date|", count: 3_000) + "Get-Date", String(repeating: "1;", count: 20_000),
        ] {
            _ = await Task.detached { engine.judge(script: chain, policy: .standard) }.value
        }
    }

    @Test("no address or body makes the judge fail, and no unknown change is allowed")
    func requests() {
        let engine = GuardEngine()
        var dice = Dice(state: 11)
        let pieces = [
            "/", "//", "users", "me", "sendMail", "$batch", "$ref", "('", "')", "(", ")", "'", ":", "root:", "items",
            "drives",
            "microsoft.graph.", "graph.user", "%2F", "%25", "=", ",", "a", "..", ".", "é", "v1.0", "beta", "?",
            "$select=", "*", "&",
            "$count", "delta()", "sites", "messages", "{", "}", "@x", "\u{200b}",
        ]
        var judged = 0
        for _ in 0..<6_000 {
            let path = "/" + (0..<(1 + dice.next(10))).map { _ in dice.pick(pieces) }.joined()
            guard let target = try? RequestTarget(parsing: path, service: .graph, normalization: .clean) else {
                continue
            }
            judged += 1
            let method = dice.pick(["GET", "POST", "PATCH", "DELETE", "PUT", "TRACE", ""])
            let request = GuardedRequest(
                method: method, target: target, body: dice.pick([.none, .opaque, .json(["a": 1])]))
            let verdict = engine.judge(request, policy: .standard)
            let found = engine.classify(request)
            if verdict.decision == .allow, found.template == nil { #expect(method == "GET", "\(method) \(path)") }
            #expect(engine.judge(request, policy: GuardPolicy(.readonly)).decision != .ask)
        }
        #expect(judged > 2_000)
    }
}
