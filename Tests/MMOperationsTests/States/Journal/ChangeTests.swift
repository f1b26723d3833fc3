import MMCore
import MMGraph
import Testing

@testable import MMOperations

@Suite("Changes", .timeLimit(.minutes(5)))
struct ChangeTests {
    private func change(_ method: String, _ path: String, _ body: JSONValue? = nil, isAction: Bool? = nil) throws
        -> Change?
    {
        let target = try RequestTarget(parsing: path, service: .graph)
        let bytes = body.map { JSONWriter.bytes($0) }
        return Change(try GraphRequest(method: method, target: target, body: bytes), isAction: isAction)
    }

    @Test(
        "are read out of requests",
        arguments: [
            ("PATCH", "/v1.0/users/u", #"{"city": "Rome"}"#, Change.Kind.properties, "/users/u"),
            (
                "PATCH", "/beta/groups/g", #"{"members@odata.bind": ["https://x/v1.0/users/a"]}"#, .link,
                "/groups/g/members"
            ),
            (
                "POST", "/v1.0/groups/g/owners/$ref", #"{"@odata.id": "https://x/v1.0/users('a')"}"#, .link,
                "/groups/g/owners"
            ),
            ("DELETE", "/v1.0/groups/g/members/a/$ref", "", .unlink, "/groups/g/members"),
            ("DELETE", "/v1.0/groups/g/members/$ref?$id=https://x/v1.0/users/a", "", .unlink, "/groups/g/members"),
            (
                "PUT", "/v1.0/users/u/manager/$ref", #"{"@odata.id": "https://x/v1.0/users/a"}"#, .reference,
                "/users/u/manager"
            ),
            ("DELETE", "/v1.0/users/u/manager/$ref", "", .reference, "/users/u/manager"),
            (
                "POST", "/v1.0/users/u/assignLicense", #"{"addLicenses": [], "removeLicenses": ["s"]}"#, .licenses,
                "/users/u"
            ),
            ("POST", "/v1.0/users/u/microsoft.graph.assignLicense", "{}", .licenses, "/users/u"),
            ("POST", "/v1.0/groups", #"{"displayName": "G"}"#, .creation, "/groups"),
            ("DELETE", "/v1.0/users/u", "", .deletion, "/users/u"),
            ("DELETE", "/v1.0/directory/deletedItems/d", "", .action, "/directory/deletedItems/d"),
            ("POST", "/v1.0/directory/deletedItems/d/restore", "", .restoration, "/directory/deletedItems/d"),
            ("POST", "/v1.0/me/sendMail", "{}", .action, "/me/sendMail"),
            ("PUT", "/v1.0/me/drive/root:/a b.txt:/content", "", .content, "/me/drive/root:/a%20b.txt"),
            ("PUT", "/v1.0/drives/d/items/i/content", "", .content, "/drives/d/items/i"),
            (
                "PUT", "/v1.0/drives/d/items/i/content?@microsoft.graph.conflictBehavior=rename", "", .creation,
                "/drives/d/items"
            ),
            ("POST", "/v1.0/drives/d/items/i/versions/2.0/restoreVersion", "", .content, "/drives/d/items/i"),
            ("PUT", "/v1.0/me/photo/$value", "", .action, "/me/photo/$value"),
        ])
    func kinds(method: String, path: String, body: String, kind: Change.Kind, place: String) throws {
        let value = body.isEmpty ? nil : try JSONParser.parse(body)
        let change = try #require(try change(method, path, value))
        #expect(change.kind == kind)
        #expect(change.place == place)
        #expect(Change(json: change.json) == change)
        if kind == .unlink || kind == .link { #expect(change.others.map(\.id) == ["a"]) }
    }

    @Test("there are none in reads, and what goes to other services can't be taken back")
    func reads() throws {
        #expect(try change("GET", "/v1.0/users") == nil)
        let target = try RequestTarget(parsing: "/subscriptions/x", service: .arm)
        let write = try #require(Change(try GraphRequest(method: "DELETE", target: target), isAction: nil))
        #expect(write.service == .other && write.place == "/subscriptions/x" && write.reasonAgainstUndo != nil)
        #expect(write.inverse(base: "").isEmpty && Change(json: write.json) == write)
        #expect(Change(try GraphRequest(method: "GET", target: target), isAction: nil) == nil)
    }

    @Test("settings of Teams are written back as far as the request wrote them, policies are removed and made again")
    func teams() throws {
        let place = "/Skype.Policy/configurations/TeamsMeetingPolicy"
        func change(_ method: String, _ path: String, _ body: JSONValue) throws -> Change {
            let target = try RequestTarget(parsing: path, service: .teams)
            return try #require(Change(try GraphRequest(method: method, target: target, json: body), isAction: nil))
        }
        let written = try change(
            "PUT", "\(place)/configuration/Global", ["Identity": "Global", "allowCloudRecording": false, "Key": [:]])
        #expect(written.priorPath == place && written.keys == ["allowCloudRecording"])
        let rows: JSONValue = [
            "value": [
                ["Identity": "Tag:Other", "AllowCloudRecording": false],
                ["Identity": "Global", "AllowCloudRecording": true, "AllowTranscription": true],
            ]
        ]
        let known = written.knowing(rows)
        #expect(known.before == ["allowCloudRecording": true] && known.reasonAgainstUndo == nil)
        #expect(Change(json: known.json) == known)
        #expect(known.inverse(base: "").map(\.method) == ["PUT"])
        #expect(known.inverse(base: "")[0].body == ["allowCloudRecording": true])
        #expect(known.standing(in: rows) == .asBefore)
        let made = try change("POST", place, ["Identity": "Sales", "AllowTranscription": false])
        #expect(made.inverse(base: "").map(\.path) == ["\(place)/configuration/Sales"])
        #expect(made.left(by: nil, etag: nil).standing(in: ["value": []]) == .asBefore)
        #expect(made.standing(in: ["value": [["Identity": "Tag:Sales", "AllowTranscription": false]]]) == .asLeft)
        let removed = try change("DELETE", "\(place)/configuration/Tag:Other", [:])
        #expect(removed.priorPath == place && removed.reasonAgainstUndo != nil)
        let gone = removed.knowing(rows)
        #expect(gone.before == ["AllowCloudRecording": false] && gone.reasonAgainstUndo == nil)
        #expect(gone.standing(in: rows) == .asBefore && gone.standing(in: ["value": []]) == .asLeft)
        #expect(gone.inverse(base: "").map { "\($0.method) \($0.path)" } == ["POST \(place)"])
        #expect(gone.inverse(base: "")[0].body == ["Identity": "Other", "AllowCloudRecording": false])
        #expect(Change(json: gone.json) == gone)
        #expect(removed.knowing(["value": []]).reasonAgainstUndo != nil)
        // Removing the global one only brings back settings that nobody knows.
        #expect(try change("DELETE", "\(place)/configuration/Global", [:]).reasonAgainstUndo != nil)
    }

    @Test("restore structured values whole, and empty what they did not have before")
    func nested() throws {
        let change = try #require(
            try change(
                "PATCH", "/v1.0/users/u",
                ["onPremisesExtensionAttributes": ["extensionAttribute1": "new", "extensionAttribute2": "b"]]))
        let known = change.knowing([
            "id": "u", "onPremisesExtensionAttributes": ["extensionAttribute1": "old", "other": 1],
        ])
        let request = try #require(known.inverse(base: "https://x").first)
        #expect(
            request.body
                == [
                    "onPremisesExtensionAttributes": [
                        "extensionAttribute1": "old", "other": 1, "extensionAttribute2": .null,
                    ]
                ])
    }

    @Test("of licences bring back the plans that were switched off, and take away what was added")
    func licenses() throws {
        let asked: JSONValue = [
            "addLicenses": [["skuId": "A", "disabledPlans": []], ["skuId": "B"]], "removeLicenses": ["c"],
        ]
        let change = try #require(try change("POST", "/v1.0/users/u/assignLicense", asked))
        let known = change.knowing([
            "id": "u",
            "assignedLicenses": [["skuId": "a", "disabledPlans": ["P"]], ["skuId": "c"], ["skuId": "d"]],
        ])
        let body = try #require(known.inverse(base: "").first?.body)
        let added = Set((body["addLicenses"]?.array ?? []).map { $0["skuId"]?.string ?? "" })
        #expect(added == ["a", "c"])
        #expect(body["removeLicenses"] == ["b"])
        #expect(body["addLicenses"]?.array?.first { $0["skuId"] == "a" }?["disabledPlans"] == ["p"])
    }

    @Test("of security groups can't be taken back, those of Microsoft 365 groups can", arguments: [true, false])
    func groups(isUnified: Bool) throws {
        let change = try #require(try change("DELETE", "/v1.0/groups/g"))
            .knowing(["id": "g", "displayName": "G", "groupTypes": isUnified ? ["Unified"] : []])
        #expect((change.reasonAgainstUndo == nil) == isUnified)
        #expect(change.inverse(base: "").isEmpty != isUnified)
        #expect(!change.consequences.isEmpty)
    }

    @Test("of which the state before is not known can't be taken back, and say unknown")
    func unknown() throws {
        let change = try #require(try change("PATCH", "/v1.0/users/u", ["city": "Rome"]))
        #expect(change.reasonAgainstUndo != nil && change.inverse(base: "").isEmpty)
        #expect(change.lines == [#"city: unknown → "Rome""#])
    }

    @Test("of references are taken back though the names could not be read, also of several at once")
    func namelessReferences() throws {
        let one = try #require(try change("DELETE", "/v1.0/groups/g/members/a/$ref")).unreadable("no permission")
        #expect(one.inverse(base: "https://x").map(\.path) == ["/v1.0/groups/g/members/$ref"])
        let body: JSONValue = ["members@odata.bind": ["https://x/v1.0/users/a", "https://x/v1.0/users/b"]]
        let several = try #require(try change("PATCH", "/v1.0/groups/g", body))
        #expect(
            several.inverse(base: "").map(\.path) == ["/v1.0/groups/g/members/a/$ref", "/v1.0/groups/g/members/b/$ref"])
    }

    @Test(
        "of references name the object that has them, as a person knows it",
        arguments: [
            ("/v1.0/groups/g/members/a/$ref", "/v1.0/groups/g?$select=id,displayName"),
            ("/v1.0/directory/administrativeUnits/g/members/a/$ref", nil),
        ])
    func referencesOfNamed(path: String, read: String?) throws {
        let change = try #require(try change("DELETE", path))
        #expect(change.contentPath == read)
        let named = change.knowing(content: ["id": "g", "displayName": "Sales"])
        #expect(named.title.hasSuffix("Sales (g)") && named.place == change.place)
        #expect(named.inverse(base: "").map(\.path) == change.inverse(base: "").map(\.path))
        #expect(change.knowing(content: [:]).title == change.title)
    }

    @Test("stand, are undone, or were changed since")
    func standing() throws {
        let change = try #require(try change("PATCH", "/v1.0/users/u", ["city": "Rome", "tags": ["a", "b"]]))
            .knowing(["id": "u", "city": "Bonn", "tags": []])
        #expect(change.standing(in: ["city": "Rome", "tags": ["b", "a"], "more": 1]) == .asLeft)
        #expect(change.standing(in: ["city": "Bonn", "tags": []]) == .asBefore)
        guard case .changed(let what) = change.standing(in: ["city": "Oslo", "tags": ["a", "b"]]) else {
            Issue.record("it was changed")
            return
        }
        #expect(what.lines == [#"city: "Rome" → "Oslo""#])
    }
}
