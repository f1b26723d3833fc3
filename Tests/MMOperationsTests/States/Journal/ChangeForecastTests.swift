import MMCore
import MMGraph
import MMIdentity
import Testing

@testable import MMOperations

@Suite("What changes will leave", .timeLimit(.minutes(10)))
struct ChangeForecastTests {
    private func change(_ method: String, _ path: String, _ body: JSONValue? = nil) throws -> Change {
        let target = try RequestTarget(parsing: path, service: .graph)
        let bytes = body.map { JSONWriter.bytes($0) }
        return try #require(Change(try GraphRequest(method: method, target: target, body: bytes), isAction: nil))
    }

    private static let replies: JSONValue = [
        "automaticRepliesSetting": ["status": "disabled", "internalReplyMessage": "Hello"]
    ]

    @Test("of a structured value is what the request leaves out, too, and a change to that by others is seen")
    func structured() throws {
        let body: JSONValue = ["automaticRepliesSetting": ["status": "alwaysEnabled"]]
        let change = try change("PATCH", "/v1.0/users/u/mailboxSettings", body).knowing(Self.replies)
        #expect(change.lines == [#"automaticRepliesSetting.status: "disabled" → "alwaysEnabled""#])
        var present: JSONValue = [
            "automaticRepliesSetting": ["status": "alwaysEnabled", "internalReplyMessage": "Hello"]
        ]
        #expect(change.standing(in: present) == .asLeft)
        present = ["automaticRepliesSetting": ["status": "alwaysEnabled", "internalReplyMessage": "Bye"]]
        guard case .changed(let what) = change.standing(in: present) else {
            Issue.record("\(change.standing(in: present))")
            return
        }
        #expect(what.lines == [#"automaticRepliesSetting.internalReplyMessage: "Hello" → "Bye""#])
    }

    @Test("of a structured value of another type is that value alone")
    func otherType() throws {
        let body: JSONValue = ["target": ["@odata.type": "#b", "group": "g"]]
        let change = try change("PATCH", "/v1.0/policies/x/y/z", body)
            .knowing(["target": ["@odata.type": "#a", "all": true]])
        #expect(change.after == body)
    }

    @Test("follows from all that is sent to the object before")
    func following() throws {
        let first = try change("PATCH", "/v1.0/users/u", ["city": "Rome"]).knowing(["id": "u", "city": "Bern"])
        let second = try change("PATCH", "/v1.0/users/u", ["jobTitle": "Cook"]).knowing(["id": "u", "jobTitle": "Host"])
        let third = try change("PATCH", "/v1.0/users/u", ["city": "Oslo"]).knowing(["id": "u", "city": "Bern"])
            .following([first, second])
        #expect(third.before == ["city": "Rome"] && third.after == ["city": "Oslo"])
        let settings = "/v1.0/users/u/mailboxSettings"
        let on = try change("PATCH", settings, ["automaticRepliesSetting": ["status": "alwaysEnabled"]])
            .knowing(Self.replies)
        let text = try change("PATCH", settings, ["automaticRepliesSetting": ["internalReplyMessage": "Bye"]])
            .knowing(Self.replies).following([on])
        #expect(
            text.after == ["automaticRepliesSetting": ["status": "alwaysEnabled", "internalReplyMessage": "Bye"]])
        #expect(text.lines == [#"automaticRepliesSetting.internalReplyMessage: "Hello" → "Bye""#])
    }

    @Test("of a manager who is named by the sign-in name is the same person by the id")
    func managerByName() throws {
        let change = try change(
            "PUT", "/v1.0/users/u/manager/$ref", ["@odata.id": "https://x/v1.0/users/Ada@contoso.com"])
        let known = change.knowing(["id": "1", "userPrincipalName": "bea@contoso.com"])
        #expect(known.standing(in: ["id": "2", "userPrincipalName": "ada@contoso.com"]) == .asLeft)
        #expect(known.standing(in: ["id": "1", "userPrincipalName": "bea@contoso.com"]) == .asBefore)
        #expect(
            change.knowing(["id": "2", "userPrincipalName": "ada@contoso.com"]).lines == ["no change: it is already so"]
        )
    }

    @Test("names what a new group is linked with, and does not look for it in the group")
    func bindings() throws {
        let change = try change(
            "POST", "/v1.0/groups", ["displayName": "G", "members@odata.bind": ["https://x/v1.0/users/a"]])
        #expect(change.lines.contains(#"members@odata.bind: new, ["a"]"#), "\(change.lines)")
        let left = change.left(by: ["id": "g", "displayName": "G"], etag: nil)
        #expect(left.lines.contains(#"members@odata.bind: new, ["a"]"#))
        #expect(left.standing(in: ["id": "g", "displayName": "G"]) == .asLeft)
    }

    @Test(
        "of an item of a drive is found by its id, where its path changes with it",
        arguments: ["/me/drive/root:/Reports", "/drives/d/root:/A/Reports", "/sites/s/drives/d/items/f:/Reports"])
    func driveItem(path: String) throws {
        let known = try change("PATCH", "/v1.0\(path)", ["name": "Old reports"]).knowing(["id": "i", "name": "Reports"])
        let drive =
            path.contains("/root") ? path.prefix { $0 != ":" }.dropLast(5) : path.prefix { $0 != ":" }.dropLast(8)
        #expect(known.presentPath == "/v1.0\(drive)/items/i?$select=id,name")
        #expect(known.inverse(base: "https://x").map(\.path) == ["/v1.0\(drive)/items/i"])
    }

    @Test("of a folder that is made in a drive is deleted among the drive's items")
    func newFolder() throws {
        let made = try change("POST", "/v1.0/me/drive/root/children", ["name": "New", "folder": [:]])
            .left(by: ["id": "i", "name": "New", "folder": [:]], etag: nil)
        #expect(made.inverse(base: "https://x").map(\.path) == ["/v1.0/me/drive/items/i"])
    }

    @Test(
        "of what the service carries out in the background can't be taken back, and says so before",
        arguments: ["/v1.0/teams", "/v1.0/roleManagement/directory/roleAssignmentScheduleRequests"])
    func background(path: String) throws {
        #expect(try change("POST", path, ["a": "b"]).expectedObstacle != nil)
    }

    @Test(
        "keeps no value that says of itself that it is secret",
        arguments: [
            ["omaSettings": [["omaUri": "./x", "value": "zebra", "isEncrypted": true]]] as JSONValue,
            [
                "settings": [
                    [
                        "@odata.type": "#microsoft.graph.deviceManagementConfigurationSecretSettingValue",
                        "value": "zebra",
                    ]
                ]
            ], ["temporaryAccessPass": "zebra"],
        ])
    func secrets(body: JSONValue) throws {
        for method in ["POST", "PATCH"] {
            let change = try change(method, "/beta/deviceManagement/configurationPolicies/p", body)
            #expect(!JSONWriter.string(change.json).contains("zebra"))
        }
    }

    @Test("of rights on a folder is known where nobody had any before")
    func folderRights() throws {
        let command = ExchangeCommand(
            "Add-MailboxFolderPermission", ["Identity": "ada:\\Calendar", "User": "bea", "AccessRights": ["Editor"]])
        let change = try #require(Change(command, at: .exchange)).knowing(rows: nil)
        #expect(change.isBeforeKnown && change.expectedObstacle == nil)
        #expect(change.inverseCommands.map(\.cmdlet) == ["Remove-MailboxFolderPermission"])
    }
}
