import MMCore
import TestSupport
import Testing

@testable import MMNative

@Suite("Bounds of native evaluation", .timeLimit(.minutes(5)))
struct NativeBounds {
    private func run(_ scripts: [String], limits: NativeLimits = NativeLimits()) async -> [NativeOutcome] {
        let engine = NativeEngine(limits: limits)
        var session = NativeSession()
        var outcomes: [NativeOutcome] = []
        for script in scripts { outcomes.append(await engine.run(script, in: &session)) }
        return outcomes
    }

    /// Limits that nothing reaches, whatever other tests do in this process meanwhile.
    private static var boundless: NativeLimits {
        var limits = NativeLimits()
        limits.residentBytes = { 0 }
        (limits.steps, limits.rounds, limits.patternSteps) = (.max, .max, .max / 2)
        return limits
    }

    private func texts(_ outcome: NativeOutcome?) throws -> [String] {
        guard case .completed(let result)? = outcome else {
            Issue.record("not completed: \(outcome.map { "\($0)" } ?? "nothing")")
            return []
        }
        return try result.objects.map { try PSText.string($0) }
    }

    @Test("a block that an earlier script made runs in a later one with its own text")
    func laterBlock() async throws {
        let made = "$long = '" + String(repeating: "x", count: 68) + "'; $sb = { \"<$($_.Name)>\" }"
        let items = "[pscustomobject]@{Name='ann'},[pscustomobject]@{Name='bob'}"
        let outcomes = await run([
            made, "\(items) | % $sb", "\(items) | Select-Object $sb | ConvertTo-Json -Compress; $sb = 1",
            "1 | % { $sb }",
        ])
        #expect(try texts(outcomes[1]) == ["<ann>", "<bob>"])
        // The column has the block's own words for a name, whatever the length of the second script.
        #expect(try texts(outcomes[2]).first?.contains(#"$($_.Name)"#) == true)
        #expect(try texts(outcomes[3]) == ["1"])
    }

    @Test("values that hold themselves stay with the session, as the same values")
    func circles() async throws {
        let outcomes = await run([
            "$o = [pscustomobject]@{ Own = 1 }; $o.Own = $o; $h = @{}; $h.Own = $h",
            "$l = [Collections.ArrayList]@(1); [void]$l.Add($l); $parent = @{ Parts = @(@{ Of = 1 }) }",
            "$parent.Parts[0].Of = $parent; $h.New = 2",
            "$h.Own.Own.New = 3; $h.New; $o.Own.Own -eq $o; $l[1][1][0]; $parent.Parts[0].Of.Parts.Count",
        ])
        #expect(try texts(outcomes.last) == ["3", "True", "1", "1"])
    }

    @Test(
        "a list within a list is shown by the name of its type, also in itself",
        arguments: [
            ("\"$l\"", "1 System.Collections.ArrayList"), ("[string]$l", "1 System.Collections.ArrayList"),
            ("$l -join ','", "1,System.Collections.ArrayList"),
            ("$e = [Collections.ArrayList]@(); [void]$e.Add($e); [bool]$e", "True"),
        ])
    func ownText(script: String, shown: String) async throws {
        let outcome = await run(["$l = [Collections.ArrayList]@(1); [void]$l.Add($l); \(script)"])[0]
        #expect(try texts(outcome) == [shown])
    }

    @Test(
        "an array that holds another one again and again costs no more than the arrays it is made of",
        arguments: ["$h = @{ x = $a }; $h = $null; 'ok'", "$h = @{ x = $a }; $h.y = 1; 'ok'", "$a += , $a; 'ok'"],
        ["1", "@{ x = 1 }"])
    func doubled(use: String, held: String) async throws {
        let made = "$a = @(\(held)); foreach ($i in 1..60) { $a = $a, $a }; foreach ($i in 1..60) { $a += , $a }"
        let outcomes = await run([made, use, "$h = @{}; $h.z = 1"])
        #expect(try texts(outcomes[1]) == ["ok"])
        guard case .completed = outcomes[2] else {
            Issue.record("\(outcomes[2])")
            return
        }
    }

    @Test("a walk through values ends where it is deep, or has met too many")
    func walks() {
        var walk = ValueWalk()
        #expect((1...50).allSatisfy { _ in walk.enter() } && !walk.enter())
        var other = ValueWalk()
        let goesOn = (1...200_000).allSatisfy { _ in
            defer { other.leave() }
            return other.enter()
        }
        #expect(goesOn && !other.enter())
    }

    @Test(
        "chains of values, longer than a stack, stay with the session and end with it",
        arguments: [
            ("@{ Next = 0 }", "$last.Next = $new"), ("[pscustomobject]@{ Next = 0 }", "$last.Next = $new"),
            ("[Collections.ArrayList]@()", "[void]$last.Add($new)"),
            ("@{ Next = @() }", "$last.Next = 0, @($new)"),
        ])
    func chains(link: String, joining: String) async throws {
        let outcomes = await run([
            "$first = $last = \(link); foreach ($i in 1..60000) { $new = \(link); \(joining); $last = $new }",
            "$h = @{}; $h.x = 1; $null -eq $first", "$first = $null; $last = $new = $null; 'gone'",
        ])
        #expect(try texts(outcomes[1]) == ["False"])
        #expect(try texts(outcomes[2]) == ["gone"])
    }

    @Test(
        "texts are searched and taken apart in steps that grow with their length alone",
        arguments: [
            "('ab' * 50000) -replace 'a','b'", "('a,' * 50000) -split ',' | Measure-Object | % Count",
            "('ab' * 50000) -replace 'x','b'", "(('ab ' * 30000) -replace '\\s+',' ').Length",
            "('ab' * 50000) -match 'q'", "(('a' * 90000) -replace '[a-c]+','').Length",
        ])
    func linear(script: String) async throws {
        var limits = Self.boundless
        limits.patternSteps = 1000
        guard case .completed(let result) = await run([script], limits: limits)[0] else {
            Issue.record("\(script) took more than 64 steps a byte")
            return
        }
        #expect(result.objects.count == 1 && result.errors.isEmpty)
    }

    @Test(
        "what would take the process's memory or time is handed over",
        arguments: [
            "'x' * 900000 -replace '.','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
            "$x = 'ab' * 400000; \"$x$x$x$x$x$x$x$x$x$x$x$x$x$x$x$x$x$x$x$x$x$x\"",
            "('ab' * 400000).Replace('a', ('c' * 900000))", "1..900000 | % { 'x' * 900000 }",
            "$l = [Collections.ArrayList]@(1); foreach ($i in 1..21) { $l.AddRange($l) }",
            "$a = 1..900000; $a + $a", "'a' * 30 -match '(a*)*[bc]'", "while ($true) { $x = 1 }",
            "$a = 0; while ($true) { $a = 0, $a }", "$a = 0; while ($true) { $a = @(), $a }",
            "$l = [Collections.ArrayList]@(1); while ($true) { $l[0] = $l.ToArray() }",
            "$q = [Collections.Queue]::new(); while ($true) { $a = $q.ToArray(); $q.Clear(); $q.Enqueue($a) }",
            "$h = @{ a = 1 }; while ($true) { $h.a = $h.Values.Clone() }",
            "$l = [Collections.ArrayList]@(1); while ($true) { $l[0] = @($l) }",
            "$l = [Collections.ArrayList]@(1); while ($true) { $l[0] = [object[]]$l }",
            "function f($x) { Write-Output $x -NoEnumerate }; $a = @(1); while ($true) { $a = @(f $a) }",
            "$b = { 1 | % $b }; & $b", "$b = { 1 | ? $b }; 1 | ? $b", "$b = { @(1).ForEach($b) }; & $b",
            "$b = { 1 | Sort-Object $b }; & $b", "$b = { 'a' -replace 'a', $b }; & $b",
            "$b = { 1 | Select-Object @{ n = 'a'; e = $b } }; & $b",
            "$x = [xml]'<a><b/></a>'; [void]$x.SelectSingleNode('//b').AppendChild($x.DocumentElement); $x.OuterXml",
            "$x = [xml]'<a/>'; [void]$x.DocumentElement.PrependChild($x); $x.OuterXml",
            "$x = [xml]'<a/>'; $n = $x.CreateElement('b'); [void]$n.AppendChild($n); $n.OuterXml",
            "$x = [xml]'<a b=\"c\"/>'; $n = $x.DocumentElement; [void]$n.Attributes['b'].AppendChild($n); $x.InnerText",
            "$x = [xml]'<a/>'; $n = $x.DocumentElement; [void]$n.SetAttributeNode($n); $n.CloneNode($true).OuterXml",
            "'\u{61}' * 200000 -replace 'a*a*a*[bc]','c'", "-join (1..900000 | % { 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' })",
        ])
    func bounded(script: String) async {
        guard case .handedOver(let reason, _) = await run([script])[0] else {
            Issue.record("\(script) was carried out")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test(
        "a run that is called off ends inside a long operator",
        arguments: [
            "while ($true) { ('ab' * 400000) -replace '(a|b)(b|a)','$1' | Out-Null }",
            // One match alone would take seconds.
            "('a' * 400000) -replace '(a+)+[bc]','x'",
        ])
    func calledOff(script: String) async throws {
        let running = Task { await run([script], limits: Self.boundless) }
        try await Task.sleep(for: .milliseconds(50))
        running.cancel()
        guard case .stopped? = await running.value.first else {
            Issue.record("it ended by itself")
            return
        }
    }

    @Test("a script whose time is over ends inside a long operator, and what it had put out is kept")
    func timeOver() async throws {
        // It must have put it out by then: where this machine was too slow for that, with more time.
        for limit in [100, 2_000, 40_000] {
            var session = NativeSession()
            let outcome = await NativeEngine(limits: Self.boundless).run(
                "'first'; ('a' * 400000) -replace '(a+)+[bc]','x'", in: &session,
                deadline: .after(.milliseconds(limit)))
            guard case .stopped(let result) = outcome else {
                Issue.record("it ended by itself: \(outcome)")
                return
            }
            if result.objects.isEmpty, limit < 40_000 { continue }
            #expect(result.objects.map { $0.json(depth: 1).string } == ["first"])
            break
        }
    }

    /// A process that grows by a gigabyte between any two looks.
    private static let rising: @Sendable () -> Int = {
        let looks = Mutex(0)
        return {
            looks.withLock { count in
                count += 1
                return count << 30
            }
        }
    }()

    @Test("what was made and let go is no memory: a list may grow one by one")
    func lettingGo() async throws {
        var limits = NativeLimits()
        limits.memoryBytes = 1 << 20
        limits.residentBytes = { 1 << 30 }
        let script = "$r = @(); foreach ($i in 1..3000) { $r += \"row $i\" }; $r.Count; ($r | Sort-Object)[0]"
        #expect(try texts(await run([script], limits: limits).first) == ["3000", "row 1"])
    }

    @Test("memory that a run holds is bounded, that of others is no matter of it")
    func held() async throws {
        var limits = NativeLimits()
        limits.memoryBytes = 1 << 20
        limits.bytesBetweenLooks = 0
        limits.residentBytes = Self.rising
        for script in ["$x = 'a' * 900000; \"$x$x\"", "1..40000 | Sort-Object", "@(1..40000 | % { \"$_\" }).Count"] {
            guard case .handedOver(let reason, _) = await run([script], limits: limits)[0] else {
                Issue.record("\(script) was carried out")
                continue
            }
            #expect(reason == "much memory")
        }
        #expect(
            try texts(await run(["1..100 | % { $_ * 2 } | Select-Object -Last 1"], limits: limits).first) == ["200"])
    }

    @Test("a text as JSON grows by no further value beyond its bound, though the values share one text")
    func sharedTexts() throws {
        let text = PSValue.string(String(repeating: "a", count: 100))
        let values = PSValue.array([text, text, text])
        #expect(throws: Interrupt.self) { try JSONText(values, depth: 2, isCompressed: true, limit: 150) }
        #expect(try JSONText(values, depth: 2, isCompressed: true, limit: 250).text.utf8.count == 310)
    }

    /// Every bound so low that most scripts reach one.
    private static let low: [NativeLimits] = {
        var all: [NativeLimits] = []
        for change: (inout NativeLimits) -> Void in [
            { $0.textBytes = 3 }, { $0.listItems = 1 },
            {
                $0.memoryBytes = 0
                $0.bytesBetweenLooks = 0
                $0.residentBytes = rising
            }, { $0.steps = 1 }, { $0.rounds = 1 },
            { $0.patternSteps = -1_000_000 },
        ] {
            var limits = NativeLimits()
            change(&limits)
            all.append(limits)
        }
        return all
    }()

    @Test("with any bound set low, recorded scripts and mutations of them give what was recorded or are handed over")
    func lowBounds() async throws {
        let lines = try #require(NativeFixtures.lines("eval/eval.jsonl"))
        var random = SeededRandom(seed: 23)
        var handed = 0
        for (place, line) in lines.enumerated() {
            let batch = EvaluationBatch(
                engine: NativeEngine(showsLayouts: false, limits: Self.low[place % Self.low.count]))
            let recorded = try JSONParser.parse(line)
            let answer = try JSONParser.parse(try await batch.answer(line))
            if let result = answer["result"] {
                #expect(NativeFixtures.same(result["out"], recorded["result"]?["out"]), "\(line.prefix(200))")
            } else {
                handed += 1
            }
            var scalars = Array((recorded["src"]?.string ?? "").unicodeScalars)
            for _ in 0..<3 where scalars.count > 2 {
                let at = Int.random(in: 0..<(scalars.count - 1), using: &random)
                if Bool.random(using: &random) { scalars.remove(at: at) } else { scalars.swapAt(at, at + 1) }
            }
            var mutated = ""
            mutated.unicodeScalars.append(contentsOf: scalars)
            let reply = try await batch.answer(JSONWriter.string(["id": 1, "src": .string(mutated)]))
            #expect(reply.contains("\"result\"") || reply.contains("\"handedOver\""))
        }
        #expect(handed > 20)
    }
}
