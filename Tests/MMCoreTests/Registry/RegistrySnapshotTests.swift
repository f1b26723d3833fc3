import TestSupport
import Testing

@testable import MMCore

@Suite("Reading the registry", .timeLimit(.minutes(5)))
struct RegistrySnapshotTests {
    private func snapshot(_ connections: String, rest: String = "") throws -> RegistrySnapshot {
        let document = try JSONParser.parse("{\(rest)\"connections\": \(connections)}")
        return try RegistrySnapshot(document: document.object ?? [:])
    }

    @Test("the earlier servers' example is read with the meaning of every key")
    func example() throws {
        let snapshot = try ConnectionRegistry(path: Fixture.path("registry/registry-example.json")).snapshot()
        #expect(snapshot.names == ["Contoso-GA", "Fabrikam-Individual", "Northwind-Automation"])
        #expect(snapshot.problems.isEmpty)
        let contoso = try snapshot.connection(named: "Contoso-GA")
        #expect(contoso.appId == "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01")
        #expect(contoso.tenantId == "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811")
        #expect(contoso.authorityTenant == contoso.tenantId)
        #expect(contoso.expectedEmail == "adele.admin@contoso.example")
        #expect(contoso.mcps == ["mm"])
        #expect(contoso.sharepointHost == "contoso")
        #expect(contoso.cloud == "public" && contoso.auth.method == .device && contoso.engine == .auto)
        #expect(contoso.guardPolicy == ConnectionGuardPolicy() && contoso.language == .full && !contoso.logContent)
        #expect(try snapshot.connection(named: "Fabrikam-Individual").skipSignatureStrip)
        #expect(try snapshot.connection(named: "Fabrikam-Individual").sharepointHost == "fabrikam")
        #expect(try snapshot.connection(named: "Northwind-Automation").skipSendGuards)
        #expect(try snapshot.connection(named: "Northwind-Automation").expectedEmail == nil)
        for (place, id) in snapshot.document["_expectAppId"]?.object ?? [:] {
            let parts = place.split(separator: "/").map(String.init)
            let connection = try snapshot.connection(named: parts[0])
            #expect(connection.appID(for: parts[1], known: snapshot.knownModuleApps) == id.string)
        }
    }

    @Test("an app id may be in four places")
    func appIDs() throws {
        let (own, shared, whole) = (
            "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002",
            "aaaaaaaa-0000-4000-8000-000000000003"
        )
        let connection = try Connection(
            name: "C", entry: ["appId": .string(whole), "moduleApps": ["pnp": .string(own)]])
        #expect(connection.appID(for: "pnp", known: ["pnp": shared, "exo": shared]) == own)
        #expect(connection.appID(for: "exo", known: ["pnp": shared, "exo": shared]) == shared)
        #expect(connection.appID(for: "teams", known: ["exo": shared]) == whole)
        #expect(try Connection(name: "C", entry: [:]).appID(for: "exo") == "")
    }

    @Test("an entry without keys is a connection with all defaults")
    func empty() throws {
        let connection = try snapshot(#"{"C": {}}"#).connection(named: "C")
        #expect(connection.appId == nil && connection.tenant == nil && connection.mcps == nil)
        #expect(connection.isVisible(to: "mm"))
        #expect(connection.authorityTenant == nil && connection.sharepointHost == nil)
    }

    @Test("every new key is read")
    func newKeys() throws {
        let connection = try snapshot(
            #"""
            {"C": {"cloud": "gcchigh", "guard": {"policy": "readonly", "ask": ["write"], "deny": ["send"], "allow": ["subscription"]},
            "engine": "native", "logContent": true, "tags": ["prod", "eu"], "tenant": "6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722",
            "pin": {"tenantId": "6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722", "objectId": "a93b0f6e-15c2-4d88-9e07-2b4c6d8e0f33"},
            "auth": {"method": "certificate", "certificatePath": "/c.pem", "privateKeyPath": "/k.pem"}}}
            """#
        ).connection(named: "C")
        #expect(connection.cloud == "gcchigh" && connection.engine == .native && connection.logContent)
        #expect(connection.guardPolicy.name == .readonly && connection.guardPolicy.ask == ["write"])
        #expect(connection.guardPolicy.deny == ["send"] && connection.guardPolicy.allow == ["subscription"])
        #expect(connection.isReadOnly && connection.language == .constrained)
        #expect(connection.tags == ["prod", "eu"])
        #expect(connection.pin?.objectId == "a93b0f6e-15c2-4d88-9e07-2b4c6d8e0f33")
        #expect(connection.auth.method == .certificate && connection.auth.certificatePath == "/c.pem")
        #expect(connection.sharepointHost == nil)
        let plain = try snapshot(
            #"{"A": {"guard": "strict", "auth": "secret", "secretFile": "/s", "language": "constrained"}, "#
                + #""B": {"auth": "managed-identity"}, "D": {"auth": {"method": "token", "tokenVariable": "T"}}}"#)
        #expect(try plain.connection(named: "A").guardPolicy.name == .strict)
        #expect(try plain.connection(named: "A").auth.secretFile == "/s")
        #expect(try plain.connection(named: "A").language == .constrained)
        #expect(try plain.connection(named: "B").auth.method == .managedIdentity)
        #expect(try plain.connection(named: "D").auth.tokenVariable == "T")
    }

    @Test("null and an empty text mean that a key is absent")
    func absent() throws {
        let connection = try snapshot(
            #"{"C": {"appId": "", "tenant": null, "mcps": null, "skipSendGuards": null, "auth": "", "pin": null, "guard": null}}"#
        ).connection(named: "C")
        #expect(connection.appId == nil && connection.mcps == nil && connection.auth.method == .device)
    }

    @Test(
        "sessions use the proxy unless the entry says otherwise",
        arguments: [
            (#"{}"#, []), (#"{"egress": "off"}"#, nil), (#"{"egress": {}}"#, []),
            (#"{"egress": {"allow": ["API.contoso.com", "b.c:8443"]}}"#, ["api.contoso.com", "b.c:8443"]),
        ] as [(String, [String]?)])
    func egress(entry: String, allowed: [String]?) throws {
        let connection = try snapshot(#"{"A": \#(entry)}"#).connection(named: "A")
        #expect(connection.egress.allowed?.map(\.description) == allowed)
        #expect(connection.confinement == .preferred)
    }

    @Test(
        "an invalid value disables only its connection, and is reported with entry, key, value and remedy",
        arguments: [
            (#"{"appId": "your-app-id"}"#, "appId", "your-app-id"), (#"{"appId": 7}"#, "appId", "7"),
            (#"{"tenant": "contoso.com/../x"}"#, "tenant", "contoso.com/../x"),
            (#"{"tenant": ["a"]}"#, "tenant", "a array"),
            (#"{"tenantId": "a b"}"#, "tenantId", "a b"), (#"{"tenant": "contoso..com"}"#, "tenant", "contoso..com"),
            (#"{"expectedEmail": "adele"}"#, "expectedEmail", "adele"),
            (#"{"expectedEmail": "a@b@c"}"#, "expectedEmail", "a@b@c"),
            (#"{"description": {}}"#, "description", "an object"),
            (#"{"description": "a\u0007b"}"#, "description", ""), (#"{"mcps": "mm"}"#, "mcps", "mm"),
            (#"{"mcps": [1]}"#, "mcps", "an array"), (#"{"skipSendGuards": "false"}"#, "skipSendGuards", "false"),
            (#"{"skipSignatureStrip": 1}"#, "skipSignatureStrip", "1"),
            (#"{"sharepoint_host": "contoso.example.com"}"#, "sharepoint_host", "contoso.example.com"),
            (#"{"sharepoint_host": "a/b"}"#, "sharepoint_host", "a/b"),
            (#"{"moduleApps": {"exo": "x"}}"#, "moduleApps.exo", "x"),
            (#"{"moduleApps": []}"#, "moduleApps", "an array"),
            (#"{"cloud": "mars"}"#, "cloud", "mars"), (#"{"auth": "password"}"#, "auth", "password"),
            (#"{"auth": 1}"#, "auth", "1"), (#"{"auth": {"secretFile": "/x"}}"#, "auth.method", ""),
            (#"{"auth": {"method": "secret"}}"#, "auth.secretFile", ""),
            (#"{"auth": "certificate"}"#, "auth.certificatePath", ""),
            (#"{"auth": {"method": "secret", "secretFile": 1}}"#, "auth.secretFile", "1"),
            (#"{"guard": "lax"}"#, "guard", "lax"), (#"{"guard": {"polcy": "strict"}}"#, "guard.polcy", ""),
            (#"{"guard": {"deny": ["sned"]}}"#, "guard.deny", "sned"),
            (#"{"guard": {"ask": "write"}}"#, "guard.ask", "write"),
            (#"{"guard": {"policy": "lax"}}"#, "guard.policy", "lax"), (#"{"engine": "perl"}"#, "engine", "perl"),
            (#"{"language": "none"}"#, "language", "none"), (#"{"logContent": "yes"}"#, "logContent", "yes"),
            (#"{"egress": "on"}"#, "egress", "on"), (#"{"egress": {"alow": ["a.b"]}}"#, "egress.alow", ""),
            (#"{"egress": {"allow": "a.b"}}"#, "egress.allow", "a.b"),
            (#"{"egress": {"allow": ["a.b", "*.c.d"]}}"#, "egress.allow", "*.c.d"),
            (#"{"egress": {"allow": ["10.0.0.1"]}}"#, "egress.allow", "10.0.0.1"),
            (#"{"confinement": "yes"}"#, "confinement", "yes"),
            (#"{"pin": "x"}"#, "pin", "x"),
            (#"{"pin": {"tenantId": "6c2e9b14-77d0-4f3a-8b25-91e6a0c3d722"}}"#, "pin.objectId", ""),
            (#"{"tags": {"a": 1}}"#, "tags", "an object"),
        ])
    func badValues(entry: String, key: String, value: String) throws {
        let snapshot = try snapshot(#"{"Good": {}, "Bad": \#(entry), "Fine": {"tenant": "x.com"}}"#)
        #expect(snapshot.connections.map(\.name) == ["Good", "Fine"])
        #expect(snapshot.names == ["Good", "Bad", "Fine"])
        #expect(try snapshot.connection(named: "Fine").tenant == "x.com")
        let error = mmError { _ = try snapshot.connection(named: "Bad") }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("'Bad'") == true)
        #expect(error?.message.contains("'\(key)'") == true)
        if value != "a array" { #expect(error?.message.contains(value) == true) }
        #expect(error?.hint?.isEmpty == false)
        #expect(error?.details["key"] == .string(key))
        #expect(
            RegistryCheck.problems(of: snapshot).contains {
                $0.connection == "Bad" && $0.key == key && $0.severity == .error
            })
    }

    @Test(
        "a secret in the registry is refused without being shown",
        arguments: ["secret", "clientSecret", "password"])
    func inlineSecret(key: String) throws {
        for entry in [
            #"{"auth": {"method": "secret", "\#(key)": "hunter2"}}"#, #"{"auth": "secret", "\#(key)": "hunter2"}"#,
        ] {
            let error = mmError { _ = try snapshot(#"{"C": \#(entry)}"#).connection(named: "C") }
            #expect(error?.code == .invalidInput)
            #expect(error?.message.contains("hunter2") == false)
            #expect(error?.hint?.contains("secretFile") == true)
        }
    }

    @Test("an entry whose name can't be shown is refused", arguments: ["", #"a\u0007b"#, #"\u007f"#])
    func unnamed(name: String) throws {
        let snapshot = try snapshot(#"{"\#(name)": {}, "Fine": {}}"#)
        #expect(snapshot.connections.map(\.name) == ["Fine"])
        #expect(snapshot.problems.map(\.key) == ["name"])
    }

    @Test("an entry that isn't an object is reported")
    func notAnObject() throws {
        let error = mmError { _ = try snapshot(#"{"C": ["x"]}"#).connection(named: "C") }
        #expect(error?.message.contains("'C' must be an object") == true)
    }

    @Test("an unknown name gets the known ones listed, similar ones first")
    func unknown() throws {
        let snapshot = try snapshot(#"{"Northwind": {}, "Fabrikam": {}, "Contoso-GA": {}, "Contoso": {}}"#)
        let error = mmError { _ = try snapshot.connection(named: "contos") }
        #expect(error?.code == .notFound)
        #expect(
            error?.details["known"]?.array?.compactMap(\.string) == ["Contoso", "Contoso-GA", "Northwind", "Fabrikam"])
        #expect(error?.hint?.contains("'Contoso', 'Contoso-GA', 'Northwind', 'Fabrikam'") == true)
        #expect(mmError { _ = try snapshot.connection(named: "Fabirkam") }?.details["known"]?[0] == "Fabrikam")
        #expect(mmError { _ = try snapshot.connection(named: "ga") }?.code == .notFound)
        let several = mmError { _ = try snapshot.connection(named: "Contoso,Fabrikam") }
        #expect(several?.hint?.hasPrefix("Only a single connection can be named here.") == true)
        let customer = mmError { _ = try snapshot.connection(named: "Contoso:Tailwind") }
        #expect(
            customer?.hint?.hasPrefix(
                "A customer of 'Contoso' can't be named here; its settings are those of 'Contoso'.") == true)
        #expect(mmError { _ = try snapshot.connection(named: "") }?.code == .notFound)
        #expect(
            mmError { _ = try RegistrySnapshot.empty.connection(named: "X") }?.hint?.contains("mm connections add")
                == true)
    }

    @Test("of thousands of names only some are listed")
    func manyNames() throws {
        let entries = (0..<3000).map { "\"Tenant-\($0)\": {}" }.joined(separator: ",")
        let error = mmError { _ = try snapshot("{\(entries)}").connection(named: "Tenant-2999x") }
        #expect(error?.hint?.contains("'Tenant-2999'") == true)
        #expect(error?.hint?.contains("and 2980 more") == true)
        #expect((error?.description.utf8.count ?? 0) < 1500)
    }

    @Test(
        "a server sees only the connections that admit it; the terminal sees all",
        arguments: [("mm", ["Open", "Ours"]), ("other", ["Open", "Theirs"]), ("none", ["Open"])])
    func visibility(server: String, names: [String]) throws {
        let snapshot = try snapshot(
            #"{"Open": {}, "Ours": {"mcps": ["mm"]}, "Theirs": {"mcps": ["other"]}, "Closed": {"mcps": []}, "Odd": {"mcps": "mm"}}"#
        )
        #expect(snapshot.visible(to: server).map(\.name) == names)
        #expect(snapshot.names(visibleTo: server) == names)
        for hidden in ["Closed", "Odd"] {
            let error = mmError { _ = try snapshot.connection(named: hidden, for: server) }
            #expect(error?.code == .notFound)
            #expect(error?.hint?.contains(hidden) == false)
        }
        #expect(try snapshot.connection(named: "Closed").name == "Closed")
        #expect(mmError { _ = try snapshot.connection(named: "Odd") }?.code == .invalidInput)
    }

    @Test(
        "a key that is nearly one of ours is reported, and one of another program isn't",
        arguments: [("gaurd", ["gaurd"]), ("mcp", ["mcp"]), ("colour", []), ("_guard", []), ("x-guard", [])])
    func misspelt(key: String, reported: [String]) throws {
        let snapshot = try snapshot(#"{"C": {"\#(key)": "readonly"}}"#)
        #expect(snapshot.problems.map(\.key) == reported && snapshot.problems.allSatisfy { $0.severity == .warning })
        #expect(try snapshot.connection(named: "C").name == "C")
    }

    @Test("a key of auth that is nearly one of ours is reported, too")
    func misspeltAuth() throws {
        let snapshot = try snapshot(#"{"C": {"auth": {"method": "device", "secretfile": "/x", "colour": "red"}}}"#)
        #expect(snapshot.problems.map(\.key) == ["auth.secretfile"])
        #expect(snapshot.problems.first?.hint.contains("auth.secretFile") == true)
    }

    @Test("invalid shared app ids are ignored and reported")
    func knownApps() throws {
        let snapshot = try snapshot(
            "{\"C\": {}}", rest: #""_knownModuleApps": {"exo": "no", "pnp": "abababab-0000-4000-8000-000000000001"},"#)
        #expect(snapshot.knownModuleApps == ["pnp": "abababab-0000-4000-8000-000000000001"])
        #expect(snapshot.problems.map(\.severity) == [.warning])
        #expect(try snapshot.connection(named: "C").name == "C")
    }

    @Test("names may have blanks, dots and letters of any script; lookalikes are different")
    func names() throws {
        let snapshot = try snapshot(
            "{\"Größe & Söhne.de\": {}, \"\u{E9}\": {\"tenant\": \"a.com\"}, \"e\u{301}\": {\"tenant\": \"b.com\"}}")
        #expect(try snapshot.connection(named: "Größe & Söhne.de").name == "Größe & Söhne.de")
        #expect(snapshot.connections.count == 3)
        #expect(try snapshot.connection(named: "\u{E9}").tenant == "a.com")
        #expect(try snapshot.connection(named: "e\u{301}").tenant == "b.com")
    }

    @Test("a name in another case is accepted if it is unambiguous")
    func otherCase() throws {
        let one = try snapshot(#"{"Contoso-GA": {"tenant": "a.com"}, "Hidden": {"mcps": []}}"#)
        #expect(try one.connection(named: "contoso-ga").name == "Contoso-GA")
        #expect(throws: MMError.self) { try one.connection(named: "hidden", for: "mm") }
        let two = try snapshot(#"{"A": {"tenant": "a.com"}, "a": {"tenant": "b.com"}, "Ab": {}, "aB": {}}"#)
        #expect(try two.connection(named: "a").tenant == "b.com")
        #expect(throws: MMError.self) { try two.connection(named: "AB") }
    }
}
