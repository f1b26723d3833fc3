import Glibc
import MMCore
import MMGuard
import MMIdentity
import MMSandbox
import MMShell
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

/// What programs with an identity need of a machine.
private enum ExecMeans {
    static let suffice =
        SandboxProfile.proxyProblem() == nil && ExecutableSearch.find("curl", path: "/usr/bin:/bin") != nil
}

/// Programs with the identity of a sandbox's connection. One after another: one test looks at the folders of all of
/// them.
@Suite(
    "Programs with a connection's identity", .serialized, .timeLimit(.minutes(10)),
    .enabled(if: ExecMeans.suffice, "needs Landlock, a network of one's own, and curl"))
struct ExecTests {
    /// Asks for a token as App Service's programs do, and sends with it: `g ARGUMENTS…` prints body and status.
    private static let tools = """
        token() { curl -sS -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=$1" \\
          | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'; }
        g() { curl -sS -w ' %{http_code}\\n' -H "Authorization: Bearer $T" -H 'Content-Type: application/json' "$@"; }
        T=$(token https://graph.microsoft.com)
        base=https://graph.microsoft.com/v1.0
        user() { curl -sS -H "Authorization: Bearer $T" "$base/users?\\$top=3&\\$select=id" | grep -o '"id":"[^"]*"' | tail -1 | cut -d'"' -f4; }

        """

    private static func run(
        _ home: ChangesHome, _ text: String, _ options: JSONObject = [:], person: (any ConfirmingPerson)? = nil,
        seat given: FileSeat? = nil
    ) async throws -> (answer: OperationAnswer, text: String) {
        let work = home.home.path + "/work"
        mkdir(work, 0o700)
        let seat = given ?? FileSeat(in: home.home.path)
        var context = home.context(person)
        context.seat = seat
        context.directory = work
        context.timeLimit = .seconds(300)
        var arguments: JSONObject = ["connection": "Demo", "command": ["/bin/bash", "-c", .string(tools + text)]]
        for (name, value) in options { arguments[name] = value }
        let answer = try await home.service.call("exec", arguments, in: context)
        _ = try await answer.body.stream?.next()
        return (answer, seat.text)
    }

    @Test("it signs in and reads at the addresses that it knows; its exit code is the answer's")
    func reads() async throws {
        let home = try await ChangesHome()
        let ran = try await Self.run(
            home,
            "g \"$base/users?\\$top=1\"; T=$(token https://management.core.windows.net/); "
                + "g 'https://management.azure.com/subscriptions?api-version=2022-12-01'; exit 7")
        #expect(ran.text.contains(#""@odata.nextLink":"https://graph.microsoft.com/v1.0/users?"#), "\(ran.text)")
        #expect(ran.text.contains(#""subscriptionId""#) && ran.text.components(" 200\n") == 2, "\(ran.text)")
        #expect(ran.answer.exitStatus == 7 && ran.answer.notes.isEmpty, "\(ran.answer.notes)")
        await home.stop()
    }

    @Test("nothing in it holds a token: not its memory, its environment, its arguments, nor its files")
    func scanned() async throws {
        let home = try await ChangesHome()
        let issued = Mutex<[String]>([])
        let seen = Mutex<[[UInt8]]>([])
        let (folder, service) = (home.home.path, home.service)
        let seat = FileSeat(in: folder) { program in
            guard await eventually({ access(folder + "/work/ready", F_OK) == 0 }) else { return }
            let connection = try? service.services.registry.snapshot().connection(named: "Demo")
            for resource in [ServiceResource.graph, .arm] {
                guard let connection,
                    let token = try? await service.services.identity.token(for: connection, resource: resource)
                else { continue }
                issued.withLock { $0.append(token.secret.reveal()) }
            }
            for process in Self.processes() {
                let memory = (try? ProcessMemory.bytes(of: process)) ?? []
                let words = ["environ", "cmdline"].flatMap {
                    ProcFile.read("/proc/\(process)/\($0)", limit: 1 << 20) ?? []
                }
                seen.withLock { $0.append(memory + words) }
            }
            program.signal(SIGKILL)
        }
        let text = """
            A=$(token https://management.azure.com); g $base/me > me.json; printf '%s %s' "$T" "$A" > ~/kept
            cp ~/kept kept; touch ready; sleep 200
            """
        _ = try await Self.run(home, text, seat: seat)
        let tokens = issued.withLock { $0 }
        let memories = seen.withLock { $0 }
        #expect(tokens.count == 2 && memories.count { $0.count > 10_000 } >= 2)
        let kept = try #require(
            try ProtectedFile.read(folder + "/work/kept").map { String(decoding: $0, as: UTF8.self) })
        #expect(kept.split(separator: " ").count == 2)
        for token in tokens {
            // The claims are the real ones; what makes them a token is the signature.
            let parts = token.split(separator: ".")
            let signature = String(try #require(parts.last))
            #expect(kept.contains(String(parts[1].prefix(20))) && !kept.contains(signature))
            for memory in memories { #expect(ByteSearch.find(Array(signature.utf8), in: memory) == nil) }
        }
        await home.stop()
    }

    /// The processes of programs that have found an identity.
    private static func processes() -> [Int32] {
        ProcFile.numericNames(in: "/proc").filter { process in
            let words = ProcFile.read("/proc/\(process)/environ", limit: 1 << 20)?.split(separator: 0) ?? []
            // Programs that other tests run have other folders.
            let own = "/mm-exec-\(getpid())-"
            return words.contains { $0.starts(with: "HOME=".utf8) && String(decoding: $0, as: UTF8.self).contains(own) }
        }
    }

    @Test("each change is held with a way to say yes to it; said once, exactly that one is sent, noted, and undone")
    func held() async throws {
        let home = try await ChangesHome()
        let text = """
            id=$(user); for n in $(seq 1 20); do g -X PATCH "$base/users/$id" -d "{\\"jobTitle\\":\\"T$n\\"}"; done
            g -X DELETE "$base/users/$id"; g "$base/users/$id"
            """
        let first = try await Self.run(home, text)
        #expect(first.text.components("mm confirm ") == 21 && first.text.components(" 403\n") == 21, "\(first.text)")
        #expect(first.text.hasSuffix(" 200\n") && first.answer.exitStatus == 0)
        #expect(first.answer.notes.last?.contains("21 requests were held back") == true, "\(first.answer.notes)")
        #expect(first.answer.notes.last?.contains("--allow destructive") == true, "\(first.answer.notes)")
        let waiting = try await home.service.services.ledger.all()
        #expect(waiting.count == 21)
        let third = try #require(waiting.first { $0.presentation.pages.joined().contains(#""T3""#) })
        _ = try await home.service.services.ledger.approve(
            third.token, digest: third.digest, by: Approver(person: "Ann", means: "terminal"))
        let second = try await Self.run(home, text)
        #expect(second.text.components(" 204\n") == 1 && second.text.contains(#""jobTitle":"T3""#), "\(second.text)")
        let changes = try await home.service.call("undo_list", [:], in: home.context(nil))
        guard case .value(let rows) = changes.body, let id = rows.array?.first?["id"] else {
            Issue.record("no change is listed: \(changes.body)")
            return
        }
        _ = try await home.service.call("undo", ["id": id], in: home.context(home.person))
        let after = try await Self.run(home, "g \"$base/users/$(user)\"")
        #expect(!after.text.contains(#""jobTitle":"T3""#), "\(after.text)")
        await home.stop()
    }

    /// Writes of every service, as lines of a method, an address and a body.
    private static func writes() throws -> [[String]] {
        let folder = "/" + #filePath.split(separator: "/").prefix { $0 != "Tests" }.joined(separator: "/")
        let bytes = try #require(try ProtectedFile.read(folder + "/Tests/Fixtures/exec/writes.txt"))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: " ", maxSplits: 2).map(String.init)
        }
    }

    @Test("of two hundred different writes none is sent that nobody has agreed to", arguments: [false, true])
    func allHeld(isReadOnly: Bool) async throws {
        let home = try await ChangesHome()
        let all = try Self.writes()
        #expect(all.count >= 200)
        // What only reads holds them all for one reason.
        let writes = isReadOnly ? all.enumerated().filter { $0.offset.isMultiple(of: 5) }.map(\.element) : all
        let lines = writes.enumerated().map { at, write -> String in
            let token = write[1].hasPrefix("https://graph") ? "GRAPH" : "ARM"
            let body = (write.count > 2 ? write[2] : "").replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return """
                url = "\(write[1])"
                request = "\(write[0])"
                header = "Authorization: Bearer @\(token)@"
                header = "Content-Type: application/json"
                data = "\(body)"
                output = "/dev/null"
                write-out = "%{http_code} \(at)\\n"
                silent

                """
        }
        mkdir(home.home.path + "/work", 0o700)
        try ProtectedFile.replace(
            home.home.path + "/work/writes", with: Array(lines.joined(separator: "next\n").utf8))
        let ran = try await Self.run(
            home,
            "A=$(token https://management.azure.com/); sed -i \"s|@GRAPH@|$T|; s|@ARM@|$A|\" writes; curl -K writes",
            ["read_only": .bool(isReadOnly)])
        let answers = ran.text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        let passed = answers.filter { $0.first != "403" }.compactMap { $0.last.flatMap(Int.init) }.map { writes[$0] }
        #expect(answers.count == writes.count && passed.isEmpty, "\(passed) \(ran.text.suffix(300))")
        #expect(
            ran.answer.notes.contains { $0.contains("\(writes.count) requests were held back") }, "\(ran.answer.notes)")
        let heard = try await home.control("GET", "requests")["requests"]?.array ?? []
        let changing = heard.filter { request in
            request["method"]?.string != "GET" && request["path"]?.string?.contains("/oauth2/") != true
                && request["path"]?.string?.contains("/sandbox/") != true
        }
        #expect(changing.isEmpty, "\(changing)")
        await home.stop()
    }

    @Test(
        "a tool that needs an app's access token is not started where a person has signed in",
        arguments: [
            (
                [
                    "-NoProfile", "-Command",
                    "Connect-ExchangeOnline -ManagedIdentity -Organization contoso.com; Get-Mailbox",
                ], true
            ),
            (["-c", "if ($true) { Connect-MicrosoftTeams -Identity }"], true), (["report.ps1"], true),
            (["-NoProfile", "-File", "report.ps1"], true),
            (["-c", "Connect-AzAccount -Identity; Connect-MgGraph -Identity"], false),
            (["-c", "'Connect-ExchangeOnline -ManagedIdentity'"], false), (["-c", "Connect-ExchangeOnline"], false),
            (["missing.ps1"], false),
        ] as [([String], Bool)])
    func insisting(arguments: [String], isRefused: Bool) async throws {
        let home = try TestHome()
        let script =
            "Import-Module ExchangeOnlineManagement\nConnect-ExchangeOnline -Managed -Organization contoso.com\n"
        try ProtectedFile.replace(home.path + "/report.ps1", with: Array(script.utf8))
        let connection = try Connection(name: "Demo", tenant: "contoso.com")
        for isApp in [false, true] {
            let account = SignedInAccount(
                username: isApp ? "" : "lena@contoso.com", objectID: "o", tenantID: "t", homeAccountID: "o.t",
                appID: isApp ? "a" : nil)
            var error: MMError?
            do throws(MMError) {
                try AppIdentityNeed.check(
                    ["/usr/bin/pwsh"] + arguments, in: home.path, for: account, of: connection)
            } catch let refusal { error = refusal }
            #expect((error != nil) == (isRefused && !isApp), "\(String(describing: error))")
            if let error {
                #expect(error.code == .unsupported && error.message.contains("needs an app's access token"))
            }
        }
    }

    private static func plan(_ home: ChangesHome, _ text: String) async throws(MMError) -> (JSONValue, String) {
        let work = home.home.path + "/work"
        mkdir(work, 0o700)
        let seat = FileSeat(in: home.home.path)
        var context = home.context(nil)
        context.seat = seat
        context.directory = work
        context.timeLimit = .seconds(300)
        let call: JSONValue = [
            "tool": "exec",
            "arguments": ["connection": "Demo", "command": ["/bin/bash", "-c", .string(tools + text)]],
        ]
        let answer = try await home.service.call("plan", ["calls": [call]], in: context)
        return (ChangesHome.value(answer), seat.text)
    }

    @Test("a plan of it sends its reads alone, has each change as a step, and is applied without it")
    func planned() async throws {
        let home = try await ChangesHome()
        let (plan, text) = try await Self.plan(
            home,
            """
            id=$(user); g -X PATCH "$base/users/$id" -d '{"jobTitle":"Planned"}'
            g -X PATCH "$base/users/$id" -d '{"department":"Planned"}'
            """)
        #expect(text.components(" 403\n") == 2 && text.contains("only planned"), "\(text)")
        let steps = plan["steps"]?.array ?? []
        #expect(steps.count == 2 && plan["open"]?.string == nil, "\(plan)")
        let seen = try await home.control("GET", "requests")["requests"]?.array ?? []
        #expect(!seen.contains { $0["method"] == "PATCH" })
        let applied = try await home.call("apply", ["plan": plan["plan"] ?? .null])
        #expect(ChangesHome.value(applied)["done"] == 2, "\(ChangesHome.value(applied))")
        let users = try await home.list("/users?$select=jobTitle,department")
        #expect(users.contains { $0["jobTitle"] == "Planned" && $0["department"] == "Planned" })
        await home.stop()
    }

    @Test("a plan of it is open from where it goes on with an answer, reads what it changed, or ends for it")
    func plannedInPart() async throws {
        let home = try await ChangesHome()
        let group = #"{"displayName":"Planned","mailEnabled":false,"mailNickname":"planned","securityEnabled":true}"#
        for (text, reason) in [
            (
                "g -X POST $base/groups -d '\(group)'; g -X PATCH \"$base/users/$(user)\" -d '{\"jobTitle\":\"B\"}'",
                "continues after"
            ),
            (
                "id=$(user); g -X PATCH \"$base/users/$id\" -d '{\"jobTitle\":\"C\"}'; g \"$base/users/$id\"",
                "reads /v1.0/users/"
            ),
            ("id=$(user); g -X PATCH \"$base/users/$id\" -d '{\"jobTitle\":\"D\"}'; exit 3", "ended with exit code 3"),
        ] {
            let (plan, shown) = try await Self.plan(home, text)
            #expect(plan["steps"]?.array?.count == 1, "\(plan) \(shown)")
            #expect(plan["open"]?.string?.contains(reason) == true, "\(plan) \(shown)")
        }
        let error = await #expect(throws: MMError.self) { _ = try await Self.plan(home, "exit 4") }
        #expect(error?.message.contains("Nothing was planned") == true, "\(error as Any)")
        await home.stop()
    }

    @Test("a class that was allowed passes, in batches too; a person agrees to more than plain writes first")
    func allowed() async throws {
        let home = try await ChangesHome()
        let text = """
            id=$(user); g -X PATCH "$base/users/$id" -d '{"jobTitle":"Juggler"}'
            g "$base/\\$batch" -d '{"requests":[{"id":"1","method":"PATCH","url":"/users/'$id'","headers":{"Content-Type":"application/json"},"body":{"city":"Ulm"}}]}'
            g -X DELETE "$base/users/$id"
            """
        let written = try await Self.run(home, text, ["allow": ["write"]])
        #expect(written.text.contains(" 204\n") && written.text.contains(#""status":204"#), "\(written.text)")
        #expect(written.text.hasSuffix(" 403\n"))
        let listed = try await home.service.call("undo_list", [:], in: home.context(nil))
        #expect("\(listed.body)".contains("city") && "\(listed.body)".contains("jobTitle"))
        await #expect(throws: MMError.self) { _ = try await Self.run(home, "true", ["allow": ["destructive"]]) }
        let all = try await Self.run(
            home, "g -X DELETE \"$base/users/$(user)\"", ["allow": ["destructive"]], person: home.person)
        #expect(all.text.hasSuffix(" 204\n"), "\(all.text)")
        await home.stop()
    }

    @Test(
        "an upload that was agreed to takes its parts without a question, another address of one doesn't",
        arguments: [true, false])
    func uploads(isAllowed: Bool) async throws {
        let home = try await ChangesHome()
        let text = """
            url=$(g "$base/me/drive/root:/big.bin:/createUploadSession" -d '{}' | sed 's/.*"uploadUrl":"\\([^"]*\\)".*/\\1/')
            head -c 3276800 /dev/zero >part
            put() { curl -sS -o /dev/null -w '%{http_code} ' -X PUT -H "Content-Range: bytes $2/6553600" --data-binary @part "$1"; }
            put "$url" 0-3276799; put "$url" 3276800-6553599; put "${url}x" 0-3276799
            put "https://management.azure.com${url#https://graph.microsoft.com}" 0-3276799
            """
        let ran = try await Self.run(
            home, text, isAllowed ? ["allow": ["write"]] : [:], person: isAllowed ? nil : YesOncePerson())
        #expect(ran.text == "202 201 403 403 ", "\(ran.text)")
        await home.stop()
    }

    @Test("a cmdlet that it sends to Exchange is asked about where it adds a member to a security-enabled group")
    func groups() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.run("New-DistributionGroup -Name Choir; New-DistributionGroup -Name Vault -Type Security")
        let text = """
            T=$(token https://outlook.office365.com)
            add() { g -X POST https://outlook.office365.com/adminapi/beta/contoso-sandbox.example/InvokeCommand \
              -d "{\\"CmdletInput\\":{\\"CmdletName\\":\\"Add-DistributionGroupMember\\",\\"Parameters\\":{\\"Identity\\":\\"$1\\",\\"Member\\":\\"lena.vogt\\"}}}"; }
            add Choir; add Vault
            """
        let ran = try await Self.run(home, text, ["allow": ["write"]])
        let lines = ran.text.split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasSuffix(" 200") && lines[1].hasSuffix(" 403"), "\(ran.text)")
        let waiting = try await home.service.services.ledger.all()
        #expect(waiting.first?.presentation.pages.joined().contains("security-enabled") == true, "\(waiting)")
        await home.stop()
    }

    @Test("a person who is there is asked while the program waits", arguments: [false, true])
    func asked(reads: Bool) async throws {
        let home = try await ChangesHome()
        let seat = FileSeat(in: home.home.path)
        let ran = try await Self.run(
            home, "g -X PATCH \"$base/users/$(user)\" -d '{\"city\":\"Ulm\"}'", reads ? ["read_only": true] : [:],
            person: home.person, seat: seat)
        #expect(ran.text.hasSuffix(reads ? " 403\n" : " 204\n"), "\(ran.text)")
        #expect(seat.questions == (reads ? 0 : 1))
        await home.stop()
    }

    @Test("it reaches the wire and nothing else: no address by itself, no foreign host, no file of mm's")
    func walled() async throws {
        let home = try await ChangesHome()
        let text = """
            curl -sS -m 5 --noproxy '*' \(await home.tenant.baseURL)/v1.0/me; echo "direct $?"
            curl -sS -m 5 https://example.com/; echo "foreign $?"
            cat \(home.home.paths.registry); echo "registry $?"
            curl -sS -X POST -w ' %{http_code}\\n' https://login.microsoftonline.com/common/oauth2/v2.0/devicecode -d client_id=x
            env | grep -c '^AZURE_CLIENT_SECRET='
            """
        let ran = try await Self.run(home, text)
        #expect(ran.text.contains("direct 7") && ran.text.contains("registry 1"), "\(ran.text)")
        #expect(!ran.text.contains("foreign 0") && ran.text.contains(" 403\n"), "\(ran.text)")
        #expect(ran.answer.notes.contains { $0.contains("--host example.com") }, "\(ran.answer.notes)")
        let alone = try await Self.run(home, "curl -sS -m 5 --noproxy '*' https://graph.microsoft.com/v1.0/me")
        #expect(
            alone.answer.exitStatus != 0 && alone.answer.notes.contains { $0.contains("ignore HTTPS_PROXY") },
            "\(alone.answer.notes)")
        await home.stop()
    }

    @Test("whatever it has started ends with it, and its folder is gone")
    func ended() async throws {
        let home = try await ChangesHome()
        let before = TestFolder.names(in: "/tmp").filter { $0.hasPrefix("mm-exec-\(getpid())-") }
        _ = try await Self.run(home, "setsid sleep 300 & sleep 300 & echo left > ~/left; exit 0")
        #expect(await eventually { Self.processes().isEmpty })
        #expect(
            await eventually {
                TestFolder.names(in: "/tmp").filter { $0.hasPrefix("mm-exec-\(getpid())-") } == before
            })
        await #expect(throws: MMError.self) {
            let work = home.home.path + "/work"
            var context = home.context(nil)
            context.seat = FileSeat(in: work)
            context.directory = work
            context.timeLimit = .seconds(1)
            _ = try await home.service.call(
                "exec", ["connection": "Demo", "command": ["/bin/sleep", "300"]], in: context)
        }
        #expect(await eventually { Self.processes().isEmpty })
        await home.stop()
    }

    @Test(
        "a yes is for the whole call: another host, folder, variable or place to start is another question",
        arguments: [
            ["host": ["api.github.com"]], ["read": ["/srv"]], ["write": ["/srv"]], ["env": ["TOKEN"]],
            ["allow": ["write", "send"]],
        ] as [JSONObject])
    func terms(options: JSONObject) throws {
        func input(_ options: JSONObject) throws(MMError) -> ExecInput {
            var arguments: JSONObject = ["connection": "Demo", "command": ["true"], "allow": ["write"]]
            for (name, value) in options { arguments[name] = value }
            return try ExecInput(
                from: try InputReader(operation: "exec", arguments: arguments, fields: ExecInput.fields))
        }
        let plain = try input([:]).terms(in: "/a")
        #expect(plain == ["directory": "/a", "allow": ["write"]])
        #expect(try input([:]).terms(in: "/b") != plain)
        let more = try input(options).terms(in: "/a")
        for (name, value) in options { #expect(more[name] == value) }
    }

    @Test("without a seat, or with what can't be, nothing is started")
    func refused() async throws {
        let home = try await ChangesHome(isSignedIn: false)
        for (arguments, code) in [
            (["connection": "Demo", "command": ["true"]] as JSONObject, MMErrorCode.unsupported)
        ] {
            do throws(MMError) {
                _ = try await home.service.call("exec", arguments, in: home.context(nil))
                Issue.record("it ran")
            } catch { #expect(error.code == code) }
        }
        for (options, code): (JSONObject, MMErrorCode) in [
            (["allow": ["privilege"]], .invalidInput), (["allow": ["write"], "read_only": true], .invalidInput),
            (["command": ["/proc/none"]], .notFound), (["read": ["/proc/none"]], .invalidInput),
            (["host": ["not a host"]], .invalidInput), ([:], .signInNeeded),
        ] {
            do throws(MMError) {
                _ = try await Result { () async throws(MMError) in
                    do { return try await Self.run(home, "true", options) } catch let error as MMError {
                        throw error
                    } catch {
                        throw MMError(.internalError, "\(error)")
                    }
                }.get()
                Issue.record("it ran: \(options)")
            } catch { #expect(error.code == code, "\(options): \(error)") }
        }
        await home.stop()
    }
}

extension String {
    /// How often a text occurs.
    fileprivate func components(_ text: String) -> Int {
        var (count, rest) = (0, self[...])
        while let found = rest.firstRange(of: text) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}

/// A person who agrees to the first question alone.
private final class YesOncePerson: ConfirmingPerson {
    private let isAsked = Mutex(false)

    let canBeAsked = true
    let isAtTerminal = true

    func showSignIn(_ details: JSONObject) async {}

    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        isAsked.withLock { isAsked in
            defer { isAsked = true }
            return !isAsked
        }
    }
}
