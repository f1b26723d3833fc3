import Testing

@testable import MMNative

@Suite("What a script shows at its end", .timeLimit(.minutes(5)))
struct NativeLayouts {
    private func shown(_ script: String) async throws -> [String] {
        var session = NativeSession()
        guard case .completed(let result) = await NativeEngine().run(script, in: &session) else {
            Issue.record("handed over: \(script)")
            return []
        }
        return try result.objects.map { try PSText.string($0) }
    }

    @Test("a list of long values stays native, each value on its own line", arguments: ["fl", "Format-List", "fl *"])
    func longList(format: String) async throws {
        let long = String(repeating: "word ", count: 60) + "end"
        let text = try await shown("[pscustomobject]@{Name='ann'; Description='\(long)'} | \(format)").joined()
        #expect(text == "Name        : ann\nDescription : \(long)")
    }

    @Test(
        "values of every type of number stand on the right, and for themselves among objects",
        arguments: [
            (
                "[pscustomobject]@{Byte=[byte]5;Single=[single]2;Text='5'} | ft",
                "Byte Single Text\n---- ------ ----\n   5   2.00 5"
            ),
            ("[pscustomobject]@{Weekday=[DayOfWeek]1;B=1} | ft", "Weekday B\n------- -\n Monday 1"),
            (
                "[pscustomobject]@{Bytes=[byte[]](1,2);Weekdays=@([DayOfWeek]1,'a')} | ft",
                "Bytes  Weekdays\n-----  --------\n{1, 2} {Monday, a}"
            ),
            ("[byte]5, [single]1.5, [DayOfWeek]1 | ft a", "51.5Monday"),
            ("[byte]5, [single]1.5, [DayOfWeek]1 | Out-String", "5\n1.5\nMonday\n"),
        ])
    func scalars(script: String, expected: String) async throws {
        #expect(try await shown(script).joined() == expected)
    }

    @Test(
        "a text is taken as it is, however long it is, and on one line or several",
        arguments: [
            ("('x' * 300 | Out-String -Width 80).Length", "301"), ("('x' * 300 | Out-String -Stream).Length", "300"),
            ("(\"a`tb\" + 'x' * 130 | Out-String).Length", "134"), ("(\"a`r`nb\" | Out-String).Length", "5"),
            ("@(\"a`nb\" | Out-String -Stream).Count", "1"), ("(1, 'x', ('y' * 200) | Out-String).Length", "205"),
            (
                "(([pscustomobject]@{ a = 1 }), ('y' * 130) | Out-String).Replace('y' * 130, 'Y')",
                "\na\n-\n1\nY\n\n"
            ),
            ("([pscustomobject]@{ a = 'v' * 100; b = 'w' * 100 } | ConvertTo-Csv | Out-String).Length", "214"),
        ])
    func longTexts(script: String, expected: String) async throws {
        #expect(try await shown(script).joined() == expected)
    }

    @Test(
        "columns that fit what is in them have no width of their own",
        arguments: [
            ("ft @{ n = 'S'; e = { $_.A }; w = 3 }, B -AutoSize", "S      B\n-      -\nabcdef 1"),
            (
                "ft @{ n = 'S'; e = 'A'; w = 20 }, @{ n = 'T'; e = 'B'; w = 5 } -AutoSize",
                "S      T\n-      -\nabcdef 1"
            ),
            ("ft @{ n = 'Q'; e = { $_.B }; width = 6 }, A -AutoSize", "Q A\n- -\n1 abcdef"),
        ])
    func fitting(format: String, expected: String) async throws {
        #expect(try await shown("[pscustomobject]@{ A = 'abcdef'; B = 1 } | \(format)").joined() == expected)
    }

    @Test("a table that is wider than a terminal keeps its columns")
    func wideTable() async throws {
        let members = (1...9).map { "PropertyWithALongName\($0)=\($0)" }.joined(separator: ";")
        let text = try await shown("[pscustomobject]@{\(members)} | ft").joined()
        #expect(text.contains("PropertyWithALongName9") && !text.contains("\u{2026}"))
    }

    @Test(
        "what was asked for by name is shown of any object",
        arguments: [
            ("'a', 'b', 'A' | group | ft Name, Count", "Name Count\n---- -----\na        2\nb        1"),
            ("1..3 | measure -Sum | fl Count, Sum", "Count : 3\nSum   : 6"),
            ("[pscustomobject]@{ A = 1 } | fl * -Force", "A : 1"),
            ("[pscustomobject]@{ A = 1 } | ft -Force", "A\n-\n1"),
            (
                "[pscustomobject]@{ H = @{x=1}; O = [ordered]@{p=1;q='two'}; E = @{} } | fl",
                "H : {[x, 1]}\nO : {[p, 1], [q, two]}\nE : {}"
            ),
            (
                "[pscustomobject]@{ O = [ordered]@{a=1;b=2;c=3;d=4;e=5} } | ft",
                "O\n-\n{[a, 1], [b, 2], [c, 3], [d, 4]…}"
            ),
        ])
    func named(script: String, expected: String) async throws {
        #expect(try await shown(script).joined() == expected)
    }

    @Test(
        "columns are written, placed and as wide as the script says, with keys by their first letters",
        arguments: [
            ("ft @{n='V';e='V';f='N2'}, D", "   V D\n   - -\n1.00 03/04/2026 00:00:00"),
            ("ft @{l='V';e={$_.V};f='{0:N1} GB'}, @{n='D';e='D';f='yyyy'}", "     V D\n     - -\n1.0 GB 2026"),
            (
                "ft @{Label='V';Expression='V';Width=5;Alignment='Center'}, @{n='W';e='V';w=4;a='l'}, T",
                "  V   W    T\n  -   -    -\n  1   1    abc"
            ),
            ("ft @{n='T';e='T';f='N2'}, @{n='N';e='N';f='N2'}", "T   N\n-   -\nabc"),
            ("fl @{n='V';e='V';f='000'}, T", "V : 001\nT : abc"), ("fw @{e='V';f='N3'} -Column 1", "1.000"),
        ])
    func written(format: String, expected: String) async throws {
        let row = "[pscustomobject]@{V=1;T='abc';N=$null;D=[datetime]'2026-03-04'}"
        #expect(try await hosted("\(row) | \(format)") == expected)
    }

    @Test(
        "a format, width or alignment that a column can't have is handed over",
        arguments: ["ft @{n='V';e='V';f='{1}'}", "ft @{n='V';e='V';w=0}", "ft @{n='V';e='V';a='up'}"])
    func unwritten(format: String) async {
        var session = NativeSession()
        let outcome = await NativeEngine().run("[pscustomobject]@{V=1} | \(format)", in: &session)
        if case .completed = outcome { Issue.record("\(format) ran") }
    }

    @Test(
        "Format-Wide shows the property that names an object, numbers as they are",
        arguments: [
            ("BusinessPhones=1;DisplayName='ann';Id='x1'", "x1"), ("Mail='m';DisplayName='ann';UserId='u'", "ann"),
            ("Size=1;Name='n'", "n"), ("Size=1;ApiKey='k';FullName='f'", "k"), ("Size=1.5;Mail='m'", "1.5"),
        ])
    func wide(members: String, expected: String) async throws {
        #expect(try await hosted("[pscustomobject]@{\(members)} | Format-Wide -Column 1") == expected)
    }

    /// Returns what a script shows that may use commands for reports.
    private func hosted(_ script: String) async throws -> String {
        var session = NativeSession()
        let engine = NativeEngine(sources: [], host: NativeHost())
        guard case .completed(let result) = await engine.run(script, in: &session) else {
            Issue.record("handed over: \(script)")
            return ""
        }
        let lines = try result.objects.map { try PSText.string($0) }.joined(separator: "\n").split(separator: "\n")
        return lines.map { String($0.reversed().drop { $0 == " " }.reversed()) }.joined(separator: "\n")
    }

    @Test(
        "a plain value that is to be laid out like an object is handed over", arguments: ["fl * -Force", "ft -Force"])
    func forced(format: String) async {
        var session = NativeSession()
        guard case .handedOver = await NativeEngine().run("'a' | \(format)", in: &session) else {
            Issue.record("it ran")
            return
        }
    }

    @Test(
        "a table shows the first line of a long text, whatever characters the others hold",
        arguments: ["the message", "日本語", "e\u{301}"])
    func firstLines(second: String) async throws {
        let end = String(repeating: "x", count: 130)
        let script = "[pscustomobject]@{ a = \"If:`r`n`t\(second)\(end)\"; b = 1 } | Format-Table"
        #expect(try await shown(script).joined().contains("\nIf:\u{2026} "))
    }

    @Test("a table on a screen fits it, and keeps all of its columns", arguments: [50, 80, 200])
    func screen(width: Int) async throws {
        var session = NativeSession()
        let script = """
            1..3 | ForEach-Object { [pscustomobject]@{Name="user$_"; Address="user$_@a-rather-long-domain.example"
              Title='日本語の長い肩書きを持つ人'; WhenCreated='2026-11-21 10:00:00'; Count=$_} } | Format-Table
            """
        let outcome = await NativeEngine(screenWidth: width).run(script, in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("not native")
            return
        }
        let lines = try result.objects.map { try PSText.string($0) }.joined().split(separator: "\n").map(String.init)
        #expect(lines.count == 5)
        for line in lines { #expect(DisplayCells.count(line) <= width, "\(line)") }
        #expect(lines[0].hasPrefix("Name ") && lines[4].hasPrefix("user3 ") && lines[4].hasSuffix("3"))
    }

    @Test(
        "any characters keep a list native, and places are counted as terminals count them",
        arguments: [
            ("a='日本'; bc=1", "fl", "a  : 日本\nbc : 1"),
            ("a='日本'; bc=1", "ft", "a    bc\n-    --\n日本  1"),
            ("a=\"one`ntwo\"; bc=1", "fl", "a  : one\n     two\nbc : 1"),
            ("a=\"one`r`ntwo\"", "fl", "a : one\n    two"), ("a='e\u{301}'; bc=1", "ft", "a  bc\n-  --\ne\u{301}  1"),
            ("a=@([pscustomobject]@{x=1}, $null, 2)", "fl", "a : {@{x=1}, $null, 2}"),
        ])
    func characters(members: String, format: String, expected: String) async throws {
        #expect(try await shown("[pscustomobject]@{\(members)} | \(format)").joined() == expected)
    }

    @Test(
        "text for a file breaks where its lines end, and keeps what was said between the objects",
        arguments: [
            (
                "[pscustomobject]@{Name='ann'; Text='one two three'} | Format-List | Out-String -Width 15",
                "\nName : ann\nText : one two \n       three\n\n"
            ),
            (
                "[pscustomobject]@{A='x';B='ab cd ef gh'},[pscustomobject]@{A='y';B='z'} | Format-Table A, B -Wrap "
                    + "| Out-String -Width 6",
                "\nA B\n- -\nx ab c\n  d ef\n   gh\ny z\n\n"
            ),
            ("[pscustomobject]@{x=1}, 'a', [pscustomobject]@{x=2} | Out-String", "\nx\n-\n1\na\n2\n\n"),
            ("'first', [pscustomobject]@{x=1} | Out-String", "first\n\nx\n-\n1\n\n"),
            ("'b', 'a', 'b' | Group-Object -NoElement | Out-String", "\nCount Name\n----- ----\n    1 a\n    2 b\n\n"),
            (
                "1, 2 | Measure-Object -Sum | Out-String",
                "\nCount             : 2\nAverage           : \nSum               : 3\nMaximum           : \n"
                    + "Minimum           : \nStandardDeviation : \nProperty          : \n\n"
            ),
            ("'abc', 'de' | Format-Table Length | Out-String", "abc\nde\n"),
        ])
    func filed(script: String, expected: String) async throws {
        #expect(try await shown(script).joined() == expected)
    }

    @Test("what a terminal would obey is no affair of this engine", arguments: ["fl", "ft", "ft a"])
    func escapes(format: String) async {
        var session = NativeSession()
        let script = "[pscustomobject]@{a=\"`e[1mb\"} | \(format)"
        guard case .handedOver = await NativeEngine().run(script, in: &session) else {
            Issue.record("\(script) ran")
            return
        }
    }

    /// A mailbox as the service sends it, with the columns of its cmdlet.
    private func mailbox(_ cmdlet: String) throws -> PSValue {
        var reader = ExchangeRowReader(of: cmdlet)
        let row =
            #"{"Guid":"1","Name":"ann","Alias":"a","Database":"db1","ProhibitSendQuota":"99 GB (106,300,440,576 bytes)","Nested":{"Name":"x"}}"#
        let object = reader.object(Array(row.utf8)[...])
        return try #require(object)
    }

    @Test(
        "objects of a cmdlet are shown in its columns until something else is asked for",
        arguments: [
            ("$m | ft", ["Name", "Alias", "Database", "ProhibitSendQuota", "ExternalDirectoryObjectId"]),
            ("$m | Sort-Object Name | ? Name | ft", ["Name", "Alias", "Database"]),
            ("$m | select Guid, Alias | ft", ["Guid", "Alias"]), ("$m | ft Guid", ["Guid"]),
            ("$m | Out-String", ["Name", "Alias", "Database"]),
        ])
    func views(script: String, columns: [String]) async throws {
        var session = NativeSession()
        session.variables["m"] = try mailbox("get-mailbox")
        guard case .completed(let result) = await NativeEngine().run(script, in: &session) else {
            Issue.record("handed over: \(script)")
            return
        }
        let text = try result.objects.map { try PSText.string($0) }.joined()
        let head = text.split(separator: "\n").first.map { $0.split(separator: " ").map(String.init) } ?? []
        #expect(Array(head.prefix(columns.count)) == columns)
        if script == "$m | ft" {
            #expect(
                text.contains(
                    "ann                       a               db1                            99 GB (106,300,440,\u{2026}"
                ))
        }
    }

    @Test("the module's own cmdlets show all properties, and a list shows all of any object")
    func lists() async throws {
        #expect(CmdletView.of("Get-EXOMailbox") == nil)
        var session = NativeSession()
        session.variables["m"] = try mailbox("Get-Mailbox")
        guard case .completed(let result) = await NativeEngine().run("$m | fl", in: &session) else {
            Issue.record("handed over")
            return
        }
        #expect(try result.objects.map { try PSText.string($0) }.joined().hasPrefix("Guid              : 1\nName "))
    }

    @Test("sizes in a script's own objects sort as any text does")
    func sizes() async throws {
        let sizes = ["1.1 GB (1,181,116,006 bytes)", "2 KB (2,048 bytes)", "950 MB (996,147,200 bytes)"]
        let rows = sizes.shuffled().map { "[pscustomobject]@{Size='\($0)'}" }.joined(separator: ",")
        #expect(try await shown("\(rows) | Sort-Object Size | % Size") == sizes)
        #expect(try await shown("\(rows) | Sort-Object { $_.Size } -Descending | % Size") == sizes.reversed())
    }

    @Test(
        "only sizes are read as such",
        arguments: [
            ("1.1 GB (1,181,116,006 bytes)", 1_181_116_006), ("10 B (10 bytes)", 10), ("Unlimited", nil),
            ("(5 bytes)", nil),
            ("5 GB (bytes)", nil), ("5 GB (,5 bytes)", nil), ("5 GB (99999999999999999999 bytes)", nil), ("", nil),
        ] as [(String, Int64?)])
    func byteSizes(text: String, bytes: Int64?) {
        #expect(ByteSize.bytes(of: text) == bytes)
    }
}
