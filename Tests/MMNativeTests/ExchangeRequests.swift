import MMCore
import Testing

@testable import MMNative

@Suite("Requests and rows of Exchange cmdlets", .timeLimit(.minutes(5)))
struct ExchangeRequests {
    @Test("the batch answers every recorded line in the form of the recordings")
    func batch() throws {
        let lines = try #require(NativeFixtures.lines("eval/exchange-bind-cases.jsonl"))
        for line in lines {
            let recorded = try JSONParser.parse(line)
            let answer = try JSONParser.parse(try BindingBatch.answer(line))
            let label = "\(recorded["id"]?.string ?? "")"
            #expect(answer["id"] == recorded["id"])
            #expect(answer["error"] == recorded["error"], "\(label)")
            #expect((answer["body"] == nil) == (recorded["body"] == nil), "\(label)")
            #expect(answer["page"] == recorded["page"], "\(label)")
            #expect(answer["limit"] == recorded["limit"], "\(label)")
            #expect(answer["headers"] == recorded["headers"], "\(label)")
            #expect(answer["client"] == recorded["client"], "\(label)")
        }
    }

    @Test(
        "lines that are no request say which field is wrong",
        arguments: ["", "[]", "{}", #"{"line":"x","service":"teams"}"#])
    func badLines(line: String) {
        #expect(throws: MMError.self) { try BindingBatch.answer(line) }
    }

    private func bound(_ line: String, input: PSValue? = nil) throws -> ExchangeCall {
        var call = try #require(CmdletCall(line: line))
        if let input { call = call.with(input: input) }
        return try ExchangeBinder(service: .exo).bind(call)
    }

    @Test("Get-EXO cmdlets become the cmdlets they stand for")
    func ownEndpoints() throws {
        let mailbox = try bound("Get-EXOMailbox -UserPrincipalName a@b.example -Properties Office,CustomAttribute1")
        #expect(mailbox.cmdlet == "Get-Mailbox")
        #expect(mailbox.parameters.keys == ["Identity"])
        #expect(mailbox.properties.contains("Office") && mailbox.properties.contains("UserPrincipalName"))
        #expect(try bound("Get-EXOCasMailbox x").cmdlet == "Get-CASMailbox")
        #expect(try bound("Get-EXOMailbox -PropertySets All").properties.isEmpty)
    }

    @Test("objects of a pipeline give properties of the name, texts themselves")
    func pipeline() throws {
        let row = try #require(PSObject([("Name", .string("n")), ("Identity", .string("adele"))]))
        #expect(try bound("Get-MailboxStatistics", input: .object(row)).parameters["Identity"] == "adele")
        #expect(
            try bound("Get-MailboxStatistics", input: .string("b@c.example")).parameters["Identity"] == "b@c.example")
        #expect(try bound("Set-Mailbox -CustomAttribute1 x", input: .object(row)).parameters["Identity"] == "adele")
        let other = try #require(PSObject([("Number", .int(1))]))
        #expect(throws: BindingFault.self) { try bound("Get-MailboxStatistics", input: .object(other)) }
    }

    @Test(
        "Get-EXO cmdlets take the identity first",
        arguments: [
            "Get-EXOMailboxStatistics", "Get-EXOMailboxFolderStatistics", "Get-EXOMailboxPermission",
            "Get-EXOMobileDeviceStatistics", "Get-EXOMailbox", "Get-EXORecipient", "Get-EXOCasMailbox",
        ])
    func identityFirst(cmdlet: String) throws {
        #expect(try bound("\(cmdlet) lena").parameters == ["Identity": "lena"])
        #expect(throws: BindingFault.self) { try bound("\(cmdlet) lena kurt") }
    }

    @Test("a mailbox down the pipeline is the identity, whatever else names it")
    func mailboxesDownThePipeline() throws {
        let mailbox = try #require(
            PSObject([
                ("Identity", .string("lena")), ("ExchangeGuid", .guid("8a7e7c2b-3c5b-4d4e-9d55-0a7b8c1d2e3f")),
                ("DatabaseGuid", .guid("9a7e7c2b-3c5b-4d4e-9d55-0a7b8c1d2e3f")),
                ("UserPrincipalName", .string("lena@contoso.example")), ("ExternalDirectoryObjectId", .string("")),
            ]))
        let statistics = try bound("Get-EXOMailboxStatistics", input: .object(mailbox))
        #expect(statistics.cmdlet == "Get-MailboxStatistics")
        #expect(statistics.parameters == ["Identity": "lena"])
        let folders = try bound("Get-EXOMailboxFolderStatistics -Archive", input: .object(mailbox))
        #expect(folders.parameters == ["Identity": "lena", "Archive": true])
        let nameless = try #require(PSObject(Array(zip(mailbox.shape.names, mailbox.values).dropFirst())))
        let other = try bound("Get-EXOMailboxStatistics", input: .object(nameless))
        #expect(other.parameters == ["Identity": "8a7e7c2b-3c5b-4d4e-9d55-0a7b8c1d2e3f"])
        #expect(try bound("Get-EXOMailboxStatistics", input: .string("kurt")).parameters == ["Identity": "kurt"])
    }

    @Test("what is bound first down the pipeline decides between the sets")
    func setsDownThePipeline() throws {
        let device = try #require(PSObject([("Mailbox", .string("lena")), ("Identity", .string("lena/ios"))]))
        let statistics = try bound("Get-EXOMobileDeviceStatistics", input: .object(device))
        #expect(statistics.parameters == ["Identity": "lena/ios"])
        let named = try bound("Get-EXOMobileDeviceStatistics -ActiveSync", input: .string("lena"))
        #expect(named.parameters == ["Identity": "lena", "ActiveSync": true])
    }

    @Test(
        "a list is no value where one is wanted",
        arguments: [
            "Get-Mailbox a,b", "Get-Mailbox -Identity a,b", "Get-EXOMailbox a,b", "Get-MailboxStatistics (,'a')",
            "Get-Mailbox -Filter a,b", "Set-Mailbox x -HiddenFromAddressListsEnabled $true,$false",
        ])
    func lists(line: String) {
        let fault = #expect(throws: BindingFault.self) { try bound(line) }
        #expect(fault?.id == "CannotConvertArgument")
        #expect(fault?.message.contains("one value") == true)
    }

    @Test("lists stay lists where they may be many")
    func manyValues() throws {
        let call = try bound("Get-Mailbox -RecipientTypeDetails UserMailbox,SharedMailbox")
        #expect(call.parameters["RecipientTypeDetails"] == ["UserMailbox", "SharedMailbox"])
        let set = try bound("Set-Mailbox x -EmailAddresses a@b.example,c@b.example")
        #expect(set.parameters["EmailAddresses"] == ["a@b.example", "c@b.example"])
    }

    @Test("a script block is a filter's text, and elsewhere PowerShell's affair")
    func blocks() throws {
        let call = try bound("Get-Mailbox -Filter {Name -like 'a*' -and IsShared -eq $true}")
        #expect(call.parameters["Filter"] == "Name -like 'a*' -and IsShared -eq 'True'")
        for line in ["Get-Mailbox {$_.Alias}", "Set-Mailbox -Identity {$_.Alias}"] {
            let fault = #expect(throws: BindingFault.self) { try bound(line) }
            #expect(fault?.needsPowerShell == true)
        }
    }

    @Test("cmdlets that only the service knows are sent as written")
    func loose() throws {
        let binder = ExchangeBinder(service: .exo) { $0.lowercased() == "set-newthing" ? "Set-NewThing" : nil }
        let call = try #require(CmdletCall(line: "set-newthing x -Force -Mode Strict -Count 3 -ErrorAction Stop"))
        let bound = try binder.bind(call)
        #expect(bound.cmdlet == "Set-NewThing" && bound.asksFirst && bound.errorAction == "stop")
        #expect(bound.parameters["Identity"] == "x" && bound.parameters["Force"] == true)
        #expect(bound.parameters["Mode"] == "Strict" && bound.parameters["Count"] == 3)
    }

    @Test(
        "the actions of a function's own call are passed on with its parameters",
        arguments: ["Get-Mailbox", "Get-NewThing"])
    func passedOn(cmdlet: String) throws {
        let silent = try #require(PSEnum(.actionPreference, named: "SilentlyContinue"))
        let call = CmdletCall(
            name: cmdlet,
            arguments: ["WarningAction", "ErrorAction"].map { .parameter($0, .enumeration(silent), text: nil) }
                + [.parameter("Verbose", .bool(true), text: nil)])
        let bound = try ExchangeBinder(service: .exo) { $0 == "Get-NewThing" ? $0 : nil }.bind(call)
        #expect(bound.headers["WarningAction"] == "SilentlyContinue" && bound.errorAction == "silentlycontinue")
        #expect(bound.powerShellOnlyParameter == nil && bound.parameters["Verbose"] == nil)
    }

    @Test("rows may lack, add, repeat and mistype properties")
    func rows() throws {
        var reader = ExchangeRowReader()
        func object(_ text: String) -> PSObject? {
            if case .object(let object)? = reader.object(Array(text.utf8)[...]) { object } else { nil }
        }
        let first = try #require(
            object(
                ##"{"A@data.type":"System.DateTime","A":"2025-01-01T08:00:00Z","B@odata.type":"#Collection(String)","B":["x"]}"##
            ))
        #expect(first.shape.names == ["A", "B"])
        guard case .date? = first["A"] else {
            Issue.record("no date")
            return
        }
        #expect(object(#"{"A":1}"#)?.shape.names == ["A"])
        #expect(object(#"{"B":null,"A":{"C":[1,{"D":true}]}}"#)?.shape.names == ["B", "A"])
        #expect(object(#"{"A@data.type":"System.DateTime","A":"no date"}"#)?["A"]?.text == "no date")
        let twice = try #require(object(#"{"Name":"one","name":"two","__proto__":1,"":2}"#))
        #expect(twice["Name"]?.text == "one" && twice.shape.names.count == 3)
        #expect(reader.takeWarnings().count == 1 && reader.takeWarnings().isEmpty)
        let torn = reader.object(Array("{".utf8)[...])
        #expect(torn?.typeName == nil && reader.takeWarnings().count == 1)
    }

    /// Evaluates a script over the permissions on a calendar.
    private func ofPermissions(_ script: String) async -> NativeOutcome {
        var reader = ExchangeRowReader(of: "Get-MailboxFolderPermission")
        let rows = ["Default", "Ann Able"].compactMap { name in
            let row = #"{"FolderName":"Calendar","User":"\#(name)","AccessRights":["Reviewer"]}"#
            return reader.object(Array(row.utf8)[...])
        }
        var session = NativeSession()
        session.variables["p"] = .array(rows)
        return await NativeEngine(host: NativeHost(), isPatient: true).run(script, in: &session)
    }

    @Test(
        "a folder permission is for an object whose text is its name",
        arguments: [
            ("$p.User.DisplayName", ["Default", "Ann Able"]),
            ("$p | Where-Object { $_.User.DisplayName -ne 'Default' } | % { \"$($_.User)\" }", ["Ann Able"]),
            ("$p | Where-Object { $_.User -notlike 'Default' } | ForEach-Object { \"$($_.User)\" }", ["Ann Able"]),
            ("$p | Where-Object { $_.User -notin 'Default', 'Anonymous' } | % { $_.User.ToString() }", ["Ann Able"]),
            ("'Ann Able' -eq $p[1].User", ["True"]),
            ("$p[1].User.GetType().Name; 'for ' + $p[1].User", ["PSCustomObject", "for Ann Able"]),
            ("($p | Select-Object User | ConvertTo-Csv)[2]", [#""Ann Able""#]),
            ("$p | Sort-Object { $_.User.DisplayName } | % { $_.User.DisplayName }", ["Ann Able", "Default"]),
        ])
    func folderUsers(script: String, told: [String]) async {
        guard case .completed(let result) = await ofPermissions(script) else {
            Issue.record("it did not run")
            return
        }
        #expect(result.objects.map(\.text) == told)
        #expect(result.errors.isEmpty)
    }

    @Test(
        "what the service's JSON doesn't say of the user of a folder permission is left to PowerShell",
        arguments: [
            "$p[0].User.UserType", "$p.User.RecipientPrincipal", "$p | % { $_.User.UserType.Value }",
            "Set-StrictMode -Version Latest; $p[0].User.UserType", "$p.User | Select-Object UserType",
            "$p.User | Where-Object UserType -eq 'Internal'", "$p | ConvertTo-Json",
            "$p[0].User -eq 'Default'",
        ])
    func unknownOfFolderUsers(script: String) async {
        guard case .handedOver = await ofPermissions(script) else {
            Issue.record("it ran")
            return
        }
    }

    @Test("programs get the user of a folder permission as its name, and so does a parameter")
    func namesOfFolderUsers() async throws {
        guard case .completed(let result) = await ofPermissions("$p[1]; $p[1].User") else {
            Issue.record("it did not run")
            return
        }
        #expect(result.objects.first?.json(depth: 3)["User"] == "Ann Able")
        let user = try #require(result.objects.last)
        let call = CmdletCall(
            name: "Remove-MailboxFolderPermission",
            arguments: [
                .parameter("Identity", .string("ann:\\Calendar"), text: nil), .parameter("User", user, text: nil),
                .parameter("Confirm", .bool(false), text: nil),
            ])
        let binder = ExchangeBinder(service: .exo) { _ in nil }
        #expect(try binder.bind(call).parameters["User"] == "Ann Able")
        let piped = CmdletCall(name: "Get-Recipient", arguments: []).with(input: user)
        #expect(try binder.bind(piped).parameters["Identity"] == "Ann Able")
    }

    @Test("random rows never crash the reader")
    func fuzz() {
        let pieces = ["{", "}", "[", "]", "\"A\"", "\"a\"", "\"A@data.type\"", ":", ",", "1", "null", "\"x\"", "1e999"]
        var state: UInt64 = 11
        var reader = ExchangeRowReader()
        for _ in 0..<3000 {
            var text = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(state >> 33) % pieces.count]
            }
            _ = reader.object(Array(text.utf8)[...])
        }
        #expect(reader.takeWarnings().count <= 20)
    }

    @Test("values become JSON for programs, deeper ones their text")
    func json() throws {
        let inner = try #require(PSObject([("C", .int(1))]))
        let outer = try #require(PSObject([("A", .object(inner)), ("B", .array([.string("x"), .null]))]))
        #expect(PSValue.object(outer).json(depth: 3) == ["A": ["C": 1], "B": ["x", .null]])
        #expect(PSValue.object(outer).json(depth: 1)["A"]?.string != nil)
        let listed = try #require(PSObject([("L", .list(PSList(.arrayList, [.int(1), .string("x")])))]))
        #expect(PSValue.object(listed).json(depth: 3) == ["L": [1, "x"]])
    }
}
