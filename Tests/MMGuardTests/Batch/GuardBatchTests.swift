import MMCore
import MMGuard
import Testing

@Suite("Judging in batches", .timeLimit(.minutes(5)))
struct GuardBatchTests {
    private func batch(isBehindWire: Bool = false, place: ShellContext = ShellContext()) -> GuardBatch {
        GuardBatch(
            engine: .standard, policy: .standard, module: nil, isBehindWire: isBehindWire, place: place,
            resource: { word, _ in word == "azure" ? .arm : RequestService(rawValue: word) },
            locate: { host in RequestService.allCases.first { $0.knownHosts.contains(host) } })
    }

    @Test(
        "a line in, a line out",
        arguments: [
            (
                #"{"id":"1","src":"Get-Mailbox ann","module":"exo"}"#,
                #"{"id":"1","verdict":"allow","class":"read","rule":"read"}"#
            ),
            (
                #"{"id":2,"src":"& $x"}"#, #"{"id":2,"verdict":"ask","class":"write","rule":"dynamic-name"}"#
            ),
            (
                #"{"id":"3","method":"POST","url":"/me/sendMail","body":{}}"#,
                #"{"id":"3","verdict":"ask","class":"send","rule":"mail-send","template":"/users/{user-id}/sendMail"}"#
            ),
            (
                #"{"id":"4","method":"GET","url":"https://evil.example/v1.0/users"}"#,
                #"{"id":"4","verdict":"deny","class":"refused","rule":"refused-address"}"#
            ),
            (
                #"{"id":"5","method":"GET","url":"/subscriptions/x/resourceGroups","resource":"arm"}"#,
                #"{"id":"5","verdict":"allow","class":"read","rule":"reads"}"#
            ),
            (
                #"{"id":"6","method":"DELETE","url":"https://management.azure.com/subscriptions/x/resourceGroups/r"}"#,
                #"{"id":"6","verdict":"ask","class":"destructive","rule":"deletes"}"#
            ),
            (
                #"{"id":"6a","method":"DELETE","url":"/subscriptions/x/resourceGroups/r"}"#,
                #"{"id":"6a","verdict":"ask","class":"destructive","rule":"deletes"}"#
            ),
            (
                #"{"id":"6b","method":"POST","url":"/providers/Microsoft.Authorization/elevateAccess"}"#,
                #"{"id":"6b","verdict":"ask","class":"privilege","rule":"arm-elevate"}"#
            ),
            (
                #"{"id":"6c","method":"DELETE","url":"/subscriptions/x/resourceGroups/r","resource":"azure"}"#,
                #"{"id":"6c","verdict":"ask","class":"destructive","rule":"deletes"}"#
            ),
            (
                #"{"id":"6d","method":"GET","url":"/me/drive/root:/_api/x.txt","resource":null}"#,
                #"{"id":"6d","verdict":"allow","class":"read","rule":"reads"}"#
            ),
            (
                #"{"id":"6e","method":"GET","url":"/me","resource":"nonsense"}"#,
                #"{"id":"6e","verdict":"deny","class":"write","rule":"unreadable","reason":"resource can't be nonsense: \#(GuardBatch.resources)"}"#
            ),
            (
                #"{"id":"6f","method":5,"url":"/me"}"#,
                #"{"id":"6f","verdict":"deny","class":"write","rule":"unreadable"}"#
            ),
            (
                #"{"id":"6g","method":"GET","url":"/me","headers":["X-HTTP-Method"]}"#,
                #"{"id":"6g","verdict":"deny","class":"write","rule":"unreadable"}"#
            ),
            ("not json", #"{"id":null,"verdict":"deny","class":"write","rule":"unreadable"}"#),
            (
                #"{"id":"7","src":"Get-Mailbox","src":"Remove-Mailbox ann"}"#,
                #"{"id":"7","verdict":"deny","class":"write","rule":"unreadable"}"#
            ),
            (
                #"{"id":"8","command":"rm x"}"#,
                #"{"id":"8","verdict":"deny","class":"write","rule":"unreadable","reason":"\#(GuardBatch.fields)"}"#
            ),
            (
                #"{"id":"10","src":"Get-Mailbox","module":"nonsense"}"#,
                #"{"id":"10","verdict":"deny","class":"write","rule":"unreadable","reason":"module can't be nonsense: \#(GuardBatch.modules)"}"#
            ),
            (
                #"{"id":"11","src":"Get-Mailbox","module":["exo"]}"#,
                #"{"id":"11","verdict":"deny","class":"write","rule":"unreadable"}"#
            ),
            (
                #"{"id":"12","src":"Get-Mailbox","module":null}"#,
                #"{"id":"12","verdict":"allow","class":"read","rule":"read"}"#
            ),
            (
                #"{"id":"9","method":"GET","url":"/me","headers":{"X-HTTP-Method":"DELETE"}}"#,
                #"{"id":"9","verdict":"ask","class":"privilege","rule":"method-header"}"#
            ),
        ])
    func lines(input: String, output: String) throws {
        let answer = batch().judge(line: input)
        let got = try JSONParser.parse(answer).object ?? [:]
        let wanted = try JSONParser.parse(output).object ?? [:]
        for (key, value) in wanted where !(key == "rule" && value == "mail-send") {
            #expect(got[key] == value, "\(key) in \(answer)")
        }
    }

    @Test("scripts are judged as in a confined session where that is wanted")
    func confined() {
        let line = #"{"id":1,"src":"& $x"}"#
        #expect(batch().judge(line: line).contains(#""verdict":"ask""#))
        #expect(batch(isBehindWire: true).judge(line: line).contains(#""verdict":"allow""#))
    }

    @Test(
        "shell commands are judged where they would run",
        arguments: [
            ("rm -rf src", "ask", "ask"), ("make -j4", "allow", "ask"), ("uptime", "allow", "allow"),
        ])
    func shell(line: String, inWorkspace: String, onHost: String) throws {
        let input = JSONWriter.string(["id": 1, "shell": .string(line)])
        let places = [
            (ShellContext(home: "/home/me", directory: "/home/me/work", workspace: "/home/me/work"), inWorkspace),
            (ShellContext(isRemote: true), onHost),
        ]
        for (place, wanted) in places {
            let answer = try JSONParser.parse(batch(place: place).judge(line: input))
            #expect(answer["verdict"]?.string == wanted, "\(answer)")
        }
    }

    @Test("a cmdlet sent to Exchange as a request is judged as a cmdlet")
    func exchange() throws {
        let engine = GuardEngine()
        let target = try RequestTarget(parsing: "/adminapi/beta/t/InvokeCommand", service: .exchange)
        func judge(_ body: JSONValue) -> Verdict {
            engine.judge(GuardedRequest(method: "POST", target: target, body: .json(body)), policy: .standard)
        }
        #expect(judge(["CmdletInput": ["CmdletName": "Get-Mailbox", "Parameters": [:]]]).decision == .allow)
        #expect(judge(["CmdletInput": ["CmdletName": "Remove-Mailbox", "Parameters": [:]]]).guardClass == .destructive)
        let forward: JSONValue = [
            "CmdletInput": ["CmdletName": "Set-Mailbox", "Parameters": ["ForwardingSmtpAddress": "x"]]
        ]
        #expect(judge(forward).guardClass == .external)
        #expect(judge(["CmdletInput": ["CmdletName": "Search-Mailbox"]]).decision == .ask)
        #expect(judge([:]).guardClass == .privilege)
    }
}
