import TestSupport
import Testing

@testable import MMCore

@Suite("Commands that change the registry", .timeLimit(.minutes(5)))
struct RegistryEditTests {
    private func document(_ connections: JSONObject) -> JSONObject {
        ["_rules": ["r"], "connections": .object(connections)]
    }

    private func entry(_ name: String, _ document: JSONObject) -> JSONObject? { document["connections"]?[name]?.object }

    @Test("add appends a connection with its fields in order")
    func add() throws {
        var document = document(["A": [:]])
        try RegistryEdit.add(
            "B", fields: [("tenant", "b.com"), ("skipSendGuards", "true"), ("description", "Bee"), ("appId", "")],
            to: &document)
        #expect(document["connections"]?.object?.keys == ["A", "B"])
        #expect(
            entry("B", document).map { JSONWriter.string(.object($0)) }
                == #"{"tenant":"b.com","skipSendGuards":true,"description":"Bee"}"#)
        var empty: JSONObject = [:]
        try RegistryEdit.add("A", fields: [], to: &empty)
        #expect(empty["connections"]?["A"] == [:])
    }

    @Test(
        "a name that is taken or invalid is refused",
        arguments: ["A", "", " B", "B ", "a/b", "a\nb", String(repeating: "x", count: 101)])
    func names(name: String) {
        let before = document(["A": [:]])
        var document = before
        #expect(mmError { try RegistryEdit.add(name, fields: [], to: &document) } != nil)
        #expect(mmError { try RegistryEdit.duplicate("A", as: name, in: &document) } != nil)
        if name != "A" { #expect(mmError { try RegistryEdit.rename("A", to: name, in: &document) } != nil) }
        #expect(document == before)
    }

    @Test(
        "edit reads texts like the earlier tool, and lists and objects where a key needs them",
        arguments: [
            ("description", "hello", "hello"), ("description", "", nil), ("description", "null", nil),
            ("description", nil, nil),
            ("skipSendGuards", "true", true), ("skipSendGuards", "false", false), ("x-note", "true", true),
            ("x-note", "12", "12"), ("mcps", "mm, other", ["mm", "other"]), ("mcps", "[]", []),
            ("mcps", "[\"a,b\"]", ["a,b"]),
            ("mcps", "", nil), ("tags", "one", ["one"]), ("keepSpares", "graph, azure", ["graph", "azure"]),
            ("guard", "strict", "strict"),
            ("guard", "{\"policy\": \"strict\"}", ["policy": "strict"]),
        ] as [(String, String?, JSONValue?)])
    func edit(key: String, text: String?, value: JSONValue?) throws {
        var document = document(["A": ["description": "old", "mcps": ["mm"]], "B": [:]])
        try RegistryEdit.edit("A", fields: [(key, text)], in: &document)
        #expect(entry("A", document)?[key] == value)
        #expect(entry("A", document)?.keys.first == (key == "description" && value == nil ? "mcps" : "description"))
        #expect(document["connections"]?.object?.keys == ["A", "B"])
    }

    @Test("a dot names members of objects")
    func dotted() throws {
        var document = document(["A": ["guard": "strict", "auth": "secret", "secretFile": "/s"]])
        let id = "abababab-0000-4000-8000-000000000001"
        try RegistryEdit.edit(
            "A", fields: [("moduleApps.pnp", id), ("guard.deny", "send,external"), ("auth.secretFile", "/t")],
            in: &document)
        #expect(entry("A", document)?["moduleApps"] == ["pnp": .string(id)])
        #expect(entry("A", document)?["guard"] == ["policy": "strict", "deny": ["send", "external"]])
        #expect(entry("A", document)?["auth"] == ["method": "secret", "secretFile": "/t"])
        try RegistryEdit.edit("A", fields: [("moduleApps.pnp", "")], in: &document)
        #expect(entry("A", document)?["moduleApps"] == nil)
        try RegistryEdit.edit("A", fields: [("egress", "off"), ("person", "pin")], in: &document)
        #expect(entry("A", document)?["egress"] == "off")
        try RegistryEdit.edit("A", fields: [("egress.allow", "a.b,c.d"), ("person.send", "key")], in: &document)
        #expect(entry("A", document)?["egress"] == ["allow": ["a.b", "c.d"]])
        #expect(entry("A", document)?["person"] == ["usual": "pin", "send": "key"])
        try RegistryEdit.edit("A", fields: [("x-a.y", "of another program"), ("x-a.z.1", "2")], in: &document)
        #expect(entry("A", document)?["x-a"] == ["y": "of another program", "z.1": "2"])
    }

    @Test(
        "the number of approvals is a number, or one for each class",
        arguments: [("2", 2), ("{\"send\": 2}", ["send": 2])] as [(String, JSONValue)])
    func approvals(text: String, value: JSONValue) throws {
        var document = document(["A": ["guard": "strict"]])
        try RegistryEdit.edit("A", fields: [("guard.approvals", text)], in: &document)
        #expect(entry("A", document)?["guard"] == ["policy": "strict", "approvals": value])
        try RegistryEdit.edit("A", fields: [("guard.approvals", "")], in: &document)
        #expect(entry("A", document)?["guard"] == ["policy": "strict"])
    }

    @Test("APIs are added by name, and an invalid audience is refused")
    func apis() throws {
        var document = document(["A": [:]])
        try RegistryEdit.edit("A", fields: [("apis.crm", "https://org.crm.dynamics.com")], in: &document)
        #expect(entry("A", document)?["apis"] == ["crm": "https://org.crm.dynamics.com"])
        for (key, value) in [("apis.hr", "hr"), ("homeAccountId", "adele")] {
            let error = mmError { try RegistryEdit.edit("A", fields: [(key, value)], in: &document) }
            #expect(error?.code == .invalidInput && error?.message.contains(key) == true)
        }
    }

    @Test(
        "a method without its file is refused with the command's own flags",
        arguments: [("secret", "secretFile"), ("certificate", "certificatePath"), ("token", "tokenFile")])
    func missingFile(method: String, field: String) throws {
        var document = document(["A": [:]])
        let error = mmError { try RegistryEdit.edit("A", fields: [("auth", method)], in: &document) }
        let hint = error?.hint ?? ""
        #expect(hint.contains("auth=\(method) auth.\(field)=") && !hint.contains("{"), "\(hint)")
    }

    @Test("a key without members accepts none, and a key with a dot in the file stays one key")
    func undotted() throws {
        var document = document(["A": ["x.y": "by hand", "z": "text"]])
        try RegistryEdit.edit("A", fields: [("x.y", "changed")], in: &document)
        #expect(entry("A", document)?["x.y"] == "changed")
        let before = document
        for key in ["z.sub", "tenant.sub", "tags.first"] {
            let error = mmError { try RegistryEdit.edit("A", fields: [(key, "x")], in: &document) }
            #expect(error?.code == .invalidInput, "\(key)")
            #expect(error?.message.contains("'sub'") == true || key == "tags.first", "\(key)")
        }
        #expect(document == before)
    }

    @Test(
        "a key similar to a known one is refused with that one, but an existing one may be edited",
        arguments: [
            ("keepspares", "keepSpares"), ("keepSpare", "keepSpares"), ("gaurd", "guard"),
            ("expectedMail", "expectedEmail"),
            ("moduleApp.pnp", "moduleApps"), ("tenat", "tenant"), ("auth.secretfile", "secretFile"),
        ])
    func slips(key: String, known: String) throws {
        var document = document(["A": ["description": "old"]])
        let before = document
        let error = mmError { try RegistryEdit.edit("A", fields: [(key, "x")], in: &document) }
        #expect(error?.code == .invalidInput && error?.message.contains("'\(known)'") == true)
        #expect(mmError { try RegistryEdit.add("B", fields: [(key, "x")], to: &document) }?.code == .invalidInput)
        #expect(document == before)
        document = self.document(["A": [key: "by hand"]])
        try RegistryEdit.edit("A", fields: [(key, "")], in: &document)
        #expect(entry("A", document)?[key] == nil)
    }

    @Test(
        "a bad value is refused and nothing changes",
        arguments: [
            ("appId", "not-a-guid"), ("skipSendGuards", "yes"), ("guard", "lax"), ("guard.deny", "sned"),
            ("cloud", "mars"),
            ("mcps", "[1]"), ("mcps", "[\"a\""), ("expectedEmail", "adele"), ("auth.method", "secret"),
            ("secret", "hunter2hunter2"),
            ("moduleApps.pnp", "x"), ("tenant", "a/b"), ("", "x"), ("a\nb", "x"),
        ])
    func refused(key: String, text: String) {
        let before = document(["A": ["description": "old"]])
        var document = before
        let error = mmError {
            try RegistryEdit.edit("A", fields: [("description", "new"), (key, text)], in: &document)
        }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("hunter2") == false)
        #expect(document == before)
    }

    @Test(
        "a key and its members give the same entry in any order",
        arguments: [
            [("auth.secretFile", "/p"), ("auth", "secret")], [("auth", "secret"), ("auth.secretFile", "/p")],
        ])
    func anyOrder(fields: [(key: String, text: String)]) throws {
        for old in [[:], ["auth": ["method": "certificate", "certificatePath": "/c"]]] as [JSONObject] {
            var document = document(["A": .object(old)])
            try RegistryEdit.edit("A", fields: fields.map { ($0.key, $0.text) }, in: &document)
            #expect(entry("A", document)?["auth"] == ["method": "secret", "secretFile": "/p"])
        }
        var empty = document([:])
        try RegistryEdit.add("B", fields: fields.map { ($0.key, $0.text) }, to: &empty)
        #expect(entry("B", empty)?["auth"] == ["method": "secret", "secretFile": "/p"])
    }

    @Test("an error in one key doesn't prevent editing another")
    func olderFault() throws {
        var document = document(["A": ["appId": "your-app-id"]])
        try RegistryEdit.edit("A", fields: [("description", "x")], in: &document)
        #expect(entry("A", document)?["description"] == "x")
    }

    @Test("rename keeps the position")
    func rename() throws {
        var document = document(["A": ["tenant": "a.com"], "B": [:], "C": [:]])
        try RegistryEdit.rename("B", to: "Z", in: &document)
        try RegistryEdit.rename("A", to: "A", in: &document)
        #expect(document["connections"]?.object?.keys == ["A", "Z", "C"])
        #expect(mmError { try RegistryEdit.rename("A", to: "C", in: &document) }?.code == .conflict)
        #expect(document.keys == ["_rules", "connections"])
    }

    @Test("duplicate omits the account and says that it is a copy")
    func duplicate() throws {
        let pin: JSONValue = ["tenantId": "x", "objectId": "y"]
        var document = document([
            "A": ["tenant": "a.com", "expectedEmail": "a@a.com", "pin": pin, "description": "Main", "x": [1]]
        ])
        try RegistryEdit.duplicate("A", as: "B", in: &document)
        #expect(entry("B", document) == ["tenant": "a.com", "description": "Copy of A", "x": [1]])
        #expect(entry("A", document)?["expectedEmail"] == "a@a.com")
    }

    @Test("remove deletes one; an unknown name gets the known ones listed")
    func remove() throws {
        var document = document(["A": [:], "B": [:]])
        try RegistryEdit.remove("A", from: &document)
        #expect(document["connections"]?.object?.keys == ["B"])
        for error in [
            mmError { try RegistryEdit.remove("A", from: &document) },
            mmError { try RegistryEdit.edit("A", fields: [], in: &document) },
            mmError { try RegistryEdit.rename("A", to: "C", in: &document) },
            mmError { try RegistryEdit.duplicate("A", as: "C", in: &document) },
        ] {
            #expect(error?.code == .notFound)
            #expect(error?.details["known"] == ["B"])
        }
    }
}

@Suite("The registry's check", .timeLimit(.minutes(5)))
struct RegistryCheckTests {
    private func messages(_ connections: JSONObject) throws -> [String] {
        RegistryCheck.problems(of: try RegistrySnapshot(document: ["connections": .object(connections)])).map {
            "\($0.severity.rawValue) \($0.connection ?? "-") \($0.key ?? "-")"
        }
    }

    private let whole: JSONValue = ["tenant": "a.com", "expectedEmail": "a@a.com", "description": "d"]

    @Test("a complete entry gives no warning")
    func clean() throws {
        #expect(try messages(["A": whole]).isEmpty)
    }

    @Test(
        "probable mistakes are warnings",
        arguments: [
            ("expectedEmail", nil, "expectedEmail"), ("tenant", nil, "tenant"), ("description", nil, "description"),
            ("mcps", [], "mcps"), ("skipSendGuards", true, "skipSendGuards"), ("skipSendGuard", true, "skipSendGuard"),
            ("tenantId", "a.com", "tenantId"), ("clientSecret", "hunter2", "clientSecret"),
        ] as [(String, JSONValue?, String)])
    func warnings(key: String, value: JSONValue?, warned: String) throws {
        var entry = whole.object ?? [:]
        entry[key] = value
        #expect(try messages(["A": .object(entry)]) == ["warning A \(warned)"])
    }

    @Test("names that differ only in case, and an empty registry, are warnings")
    func names() throws {
        #expect(try messages(["A": whole, "a": whole]) == ["warning a -"])
        #expect(try messages(["a/b": whole]) == ["warning a/b -"])
        #expect(try messages([:]) == ["warning - -"])
    }

    @Test("errors come first, and a file that others may write is a warning")
    func file() throws {
        let folder = try TestFolder()
        try folder.write("r.json", #"{"connections": {"A": {"tenant": "a.com"}, "B": {"appId": 1}}}"#, mode: 0o664)
        let problems = RegistryCheck.problems(at: folder["r.json"])
        #expect(problems.first?.connection == "B")
        #expect(problems.contains { $0.severity == .warning && $0.message.contains("mode 664") })
        #expect(RegistryCheck.problems(at: folder["none.json"]).map(\.severity) == [.warning])
        #expect(problems.first?.json["key"] == "appId")
        try folder.write("r.json", #"{"connections": {}}"#, mode: 0o666)
        #expect(RegistryCheck.problems(at: folder["r.json"]).first?.severity == .error)
    }
}
