import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Writing to Graph", .timeLimit(.minutes(5)))
struct GraphWriteTests {
    private static let newUser: JSONValue = [
        "accountEnabled": true, "displayName": "Nora New", "mailNickname": "nora.new",
        "userPrincipalName": "nora.new@contoso-sandbox.example",
        "passwordProfile": ["password": "long enough 1!", "forceChangePasswordNextSignIn": true],
    ]

    @Test("a user lives from creation over changes to deletion and back")
    func userLife() async {
        let bench = Bench()
        let token = await bench.token()
        let created = await bench.graph("POST", "/v1.0/users", token: token, body: Self.newUser)
        #expect(created.status == 201)
        #expect(created.json["passwordProfile"] == nil, "the password is not told back")
        let id = created.json["id"]?.string ?? ""
        #expect(
            await bench.graph("GET", "/v1.0/users/nora.new@contoso-sandbox.example", token: token).json["id"]?.string
                == id)
        #expect(
            await bench.graph(
                "PATCH", "/v1.0/users/\(id)", token: token, body: ["jobTitle": "Pilot", "department": "Air"]
            )
            .status == 204)
        let changed = await bench.graph("GET", "/v1.0/users/\(id)?$select=jobTitle,department", token: token).json
        #expect(changed["jobTitle"] == "Pilot")
        let found = await bench.everyItem("/v1.0/users?$filter=department%20eq%20'Air'", token: token)
        #expect(found.map { $0["id"]?.string } == [id])
        #expect(
            await bench.graph(
                "PATCH", "/v1.0/users/\(id)", token: token,
                body: ["userPrincipalName": "nora.old@contoso-sandbox.example"]
            ).status == 204)
        #expect(await bench.graph("GET", "/v1.0/users/nora.new@contoso-sandbox.example", token: token).status == 404)
        #expect(await bench.graph("GET", "/v1.0/users/nora.old@contoso-sandbox.example", token: token).status == 200)
        #expect(await bench.graph("DELETE", "/v1.0/users/\(id)", token: token).status == 204)
        #expect(await bench.graph("GET", "/v1.0/users/\(id)", token: token).status == 404)
        let bin = await bench.graph("GET", "/v1.0/directory/deletedItems/microsoft.graph.user", token: token).json
        #expect(bin["value"]?[0]?["id"]?.string == id)
        #expect(await bench.graph("POST", "/v1.0/directory/deletedItems/\(id)/restore", token: token).status == 200)
        #expect(await bench.graph("GET", "/v1.0/users/\(id)", token: token).status == 200)
    }

    @Test(
        "a profile photo is kept and given back until it is removed",
        arguments: ["/v1.0/me", "/v1.0/users/lena.vogt@contoso-sandbox.example", "/v1.0/groups/{id}"])
    func photo(owner: String) async {
        let bench = Bench()
        let token = await bench.token()
        let groups = await bench.graph("GET", "/v1.0/groups?$top=1", token: token).json
        let photo = owner.replacing("{id}", with: groups["value"]?[0]?["id"]?.string ?? "") + "/photo"
        let bytes: [UInt8] = [0xFF, 0xD8, 0xFF, 0x00, 0x0A]
        let headers = ["Authorization": "Bearer \(token)", "Content-Type": "image/jpeg"]
        func send(_ method: String, _ body: [UInt8] = []) async -> HTTPServerResponse {
            await bench.tenant.answer(HTTPServerRequest(method, photo + "/$value", headers: headers, body: body))
        }
        #expect(await bench.graph("GET", photo, token: token).status == 404)
        #expect(await send("PUT").status == 400)
        #expect(await send("PUT", bytes).status == 200)
        let shown = await send("GET")
        guard case .bytes(let kept) = shown.body else {
            Issue.record("no bytes")
            return
        }
        #expect(kept == bytes && shown.headers["content-type"] == "image/jpeg")
        #expect(await bench.graph("GET", photo, token: token).json["@odata.mediaContentType"] == "image/jpeg")
        #expect(await send("DELETE").status == 204)
        #expect(await send("GET").status == 404)
    }

    @Test("a user of the start data can be changed and deleted too")
    func startUser() async {
        let bench = Bench()
        let token = await bench.token()
        #expect(
            await bench.graph(
                "PATCH", "/v1.0/users/lena.vogt@contoso-sandbox.example", token: token,
                body: ["userPrincipalName": "lena.neu@contoso-sandbox.example"]
            ).status == 204)
        #expect(await bench.graph("GET", "/v1.0/users/lena.vogt@contoso-sandbox.example", token: token).status == 404)
        #expect(
            await bench.graph("GET", "/v1.0/users/lena.neu@contoso-sandbox.example", token: token).json["displayName"]
                == "Lena Vogt")
        #expect(await bench.graph("DELETE", "/v1.0/users/lena.neu@contoso-sandbox.example", token: token).status == 204)
        #expect(await bench.everyItem("/v1.0/users?$top=100", token: token).count == 299)
    }

    @Test("what is made anew of one of several types keeps its type")
    func typeOfNew() async {
        let bench = Bench()
        let token = await bench.token()
        let locations = "/v1.0/identity/conditionalAccess/namedLocations"
        let type: JSONValue = "#microsoft.graph.countryNamedLocation"
        let made = await bench.graph(
            "POST", locations, token: token,
            body: ["@odata.type": type, "displayName": "Atlantis", "countriesAndRegions": ["PT"]])
        #expect(made.json["@odata.type"] == type)
        let id = made.json["id"]?.string ?? ""
        #expect(await bench.graph("GET", "\(locations)/\(id)", token: token).json["@odata.type"] == type)
    }

    private static let badProperties: [(String, JSONValue, String)] = [
        ("displayName", .null, "displayName"), ("userPrincipalName", "no-at-sign", "userPrincipalName"),
        ("userPrincipalName", "a@elsewhere.example", "domain portion"),
        ("userPrincipalName", "admin@contoso-sandbox.example", "already exists"),
        ("passwordProfile", ["password": "short"], "password complexity"), ("accountEnabled", "yes", "accountEnabled"),
        ("favouriteColour", "green", "favouriteColour"), ("id", "11111111-1111-4111-8111-111111111111", "read-only"),
    ]

    @Test(
        "users that can't be are refused with the reason",
        arguments: Self.badProperties)
    func badUsers(property: String, value: JSONValue, word: String) async {
        let bench = Bench()
        let token = await bench.token()
        var body = Self.newUser.object ?? [:]
        body[property] = value
        let answer = await bench.graph("POST", "/v1.0/users", token: token, body: .object(body))
        #expect(answer.status == 400)
        #expect(answer.json["error"]?["message"]?.string?.contains(word) == true, "\(answer.text)")
    }

    @Test("bodies that are no JSON object are refused", arguments: ["", "[]", "{", "\"x\"", "null"])
    func badBodies(text: String) async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.tenant.answer(
            HTTPServerRequest(
                "POST", "/v1.0/users", headers: ["Authorization": "Bearer \(token)"], body: Array(text.utf8))
        )
        #expect(answer.status == 400)
    }

    @Test("a group gets members and owners, loses them, and conflicts with its twin")
    func groups() async {
        let bench = Bench()
        let token = await bench.token()
        let body: JSONValue = [
            "displayName": "Choir", "mailEnabled": true, "mailNickname": "choir", "securityEnabled": false,
            "groupTypes": ["Unified"],
        ]
        let created = await bench.graph("POST", "/v1.0/groups", token: token, body: body)
        #expect(created.status == 201)
        #expect(created.json["mail"] == "choir@contoso-sandbox.example")
        let again = await bench.graph("POST", "/v1.0/groups", token: token, body: body)
        #expect(again.status == 409)
        #expect(again.errorCode == "Request_MultipleObjectsWithSameKeyValue")
        let group = created.json["id"]?.string ?? ""
        let user =
            await bench.graph("GET", "/v1.0/users/lena.vogt@contoso-sandbox.example", token: token).json["id"]?.string
            ?? ""
        let reference: JSONValue = ["@odata.id": .string("http://127.0.0.1:4711/v1.0/directoryObjects/\(user)")]
        #expect(
            await bench.graph("POST", "/v1.0/groups/\(group)/members/$ref", token: token, body: reference).status == 204
        )
        #expect(
            await bench.graph("POST", "/v1.0/groups/\(group)/members/$ref", token: token, body: reference).status == 400
        )
        let members = await bench.graph("GET", "/v1.0/groups/\(group)/members", token: token).json["value"]?.array ?? []
        #expect(members.map { $0["id"]?.string } == [user])
        #expect(members.first?["@odata.type"] == "#microsoft.graph.user")
        let memberOf = await bench.everyItem(
            "/v1.0/users/\(user)/memberOf/microsoft.graph.group?$select=id", token: token)
        #expect(memberOf.contains { $0["id"]?.string == group })
        let owners = await bench.graph("GET", "/v1.0/groups/\(group)/owners", token: token).json["value"]?.array ?? []
        #expect(owners.map { $0["userPrincipalName"]?.string } == [TenantIdentity.administrator])
        #expect(await bench.graph("DELETE", "/v1.0/groups/\(group)/members/\(user)/$ref", token: token).status == 204)
        #expect(await bench.graph("DELETE", "/v1.0/groups/\(group)/members/\(user)/$ref", token: token).status == 404)
        #expect(await bench.graph("GET", "/v1.0/users/\(user)", token: token).status == 200, "only the reference went")
    }

    @Test(
        "a list with an address is changed in Exchange alone",
        arguments: [
            ("PATCH", "", ["description": "x"], "Cannot Update"), ("DELETE", "", nil, "Cannot Delete"),
            ("POST", "/members/$ref", ["@odata.id": "https://x.example/directoryObjects/ID"], "Cannot Update"),
        ] as [(String, String, JSONValue?, String)])
    func listOfExchange(method: String, path: String, body: JSONValue?, text: String) async {
        let bench = Bench()
        let token = await bench.token()
        let lists = await bench.everyItem("/v1.0/groups?$filter=displayName eq 'Newsletter'", token: token)
        let id = lists.first?["id"]?.string ?? ""
        let answer = await bench.graph(method, "/v1.0/groups/\(id)\(path)", token: token, body: body)
        #expect(answer.status == 400 && answer.text.contains(text), "\(answer.text)")
        let new: JSONValue = [
            "displayName": "Choir", "mailEnabled": true, "mailNickname": "choir", "securityEnabled": false,
        ]
        let made = await bench.graph("POST", "/v1.0/groups", token: token, body: new)
        #expect(made.status == 400 && made.text.contains("mail-enabled groups"), "\(made.text)")
    }

    @Test("without $ref the member itself goes, as the service does it")
    func withoutRef() async {
        let bench = Bench()
        let token = await bench.token()
        let group =
            await bench.everyItem("/v1.0/groups?$filter=startswith(displayName,'Project')&$select=id", token: token)[0][
                "id"]?
            .string ?? ""
        let member =
            await bench.everyItem("/v1.0/groups/\(group)/members?$select=id", token: token).last?["id"]?.string ?? ""
        #expect(await bench.graph("DELETE", "/v1.0/groups/\(group)/members/\(member)", token: token).status == 204)
        #expect(await bench.graph("GET", "/v1.0/users/\(member)", token: token).status == 404)
    }

    @Test("the manager of somebody can be read, set and taken away, and is there when expanded")
    func manager() async {
        let bench = Bench()
        let token = await bench.token()
        let ben = "/v1.0/users/ben.baker@contoso-sandbox.example"
        #expect(
            await bench.graph("GET", "\(ben)/manager", token: token).json["userPrincipalName"]?.string
                == TenantIdentity.administrator)
        #expect(
            await bench.graph("GET", "\(ben)?$expand=manager($select=id,displayName)", token: token).json["manager"]?[
                "displayName"] == "Avery Admin")
        #expect(await bench.graph("DELETE", "\(ben)/manager/$ref", token: token).status == 204)
        #expect(await bench.graph("GET", "\(ben)/manager", token: token).status == 404)
        let rita =
            await bench.graph("GET", "/v1.0/users/rita.reader@contoso-sandbox.example", token: token).json["id"]?.string
            ?? ""
        let reference: JSONValue = ["@odata.id": .string("https://graph.microsoft.com/v1.0/users/\(rita)")]
        #expect(await bench.graph("PUT", "\(ben)/manager/$ref", token: token, body: reference).status == 204)
        #expect(
            await bench.everyItem("/v1.0/users/\(rita)/directReports?$select=displayName", token: token).contains {
                $0["displayName"] == "Ben Baker"
            })
        #expect(await bench.graph("GET", ben, token: token).text.contains("\u{1}") == false)
    }

    @Test("a stale etag is refused, the right one works once")
    func etags() async {
        let bench = Bench()
        let token = await bench.token()
        let message = await bench.graph("GET", "/v1.0/me/messages?$top=1", token: token).json["value"]?[0]
        let target = "/v1.0/me/messages/\(message?["id"]?.string ?? "")"
        let etag = message?["@odata.etag"]?.string ?? ""
        let stale = await bench.graph(
            "PATCH", target, token: token, headers: ["If-Match": "W/\"stale\""], body: ["isRead": true])
        #expect(stale.status == 412)
        #expect(stale.json["error"]?["code"] == "")
        let changed = await bench.graph(
            "PATCH", target, token: token, headers: ["If-Match": etag], body: ["categories": ["Blue"]])
        #expect(changed.status == 200)
        #expect(changed.json["@odata.etag"]?.string != etag)
        #expect(
            await bench.graph("PATCH", target, token: token, headers: ["If-Match": etag], body: ["isRead": true]).status
                == 412)
        #expect(await bench.graph("DELETE", target, token: token, headers: ["If-Match": "*"]).status == 204)
    }

    @Test("mail that is sent arrives, is kept, and is in the outbox of the tests")
    func sendMail() async {
        let bench = Bench()
        let token = await bench.token()
        let body: JSONValue = [
            "message": [
                "subject": "Hello Ben", "body": ["contentType": "Text", "content": "How are you?"],
                "toRecipients": [["emailAddress": ["address": .string(TenantIdentity.wrongAccount)]]],
                "attachments": [
                    ["@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentBytes": "SGk="]
                ],
            ]
        ]
        let answer = await bench.graph("POST", "/v1.0/me/sendMail", token: token, body: body)
        #expect(answer.status == 202)
        #expect(answer.bytes.isEmpty)
        let outbox = await bench.control("GET", "outbox").json["sent"]?.array ?? []
        #expect(outbox.count == 1)
        #expect(outbox[0]["message"]?["subject"] == "Hello Ben")
        let kept = await bench.graph("GET", "/v1.0/me/mailFolders/sentitems/messages?$top=1", token: token).json[
            "value"]?[0]
        #expect(kept?["subject"] == "Hello Ben")
        let ben = await bench.token(TenantIdentity.wrongAccount)
        let arrived = await bench.graph("GET", "/v1.0/me/messages?$top=1", token: ben).json["value"]?[0]
        #expect(arrived?["subject"] == "Hello Ben")
        #expect(arrived?["isRead"] == false)
        #expect(arrived?["from"]?["emailAddress"]?["address"]?.string == TenantIdentity.administrator)
        let id = arrived?["id"]?.string ?? ""
        #expect(
            await bench.graph("GET", "/v1.0/me/messages/\(id)/attachments", token: ben).json["value"]?[0]?["name"]
                == "a.txt")
        #expect(
            await bench.graph("POST", "/v1.0/me/messages/\(id)/reply", token: ben, body: ["comment": "Fine!"]).status
                == 202)
        let back = await bench.graph("GET", "/v1.0/me/messages?$top=1", token: token).json["value"]?[0]
        #expect(back?["subject"] == "RE: Hello Ben")
        let forwarded = await bench.graph(
            "POST", "/v1.0/me/messages/\(id)/forward", token: ben,
            body: ["toRecipients": [["emailAddress": ["address": "outside@fabrikam.example"]]], "comment": "Look"])
        #expect(forwarded.status == 202)
        #expect(
            await bench.control("GET", "outbox").json["sent"]?.array?.map { $0["action"] } == [
                "sendMail", "reply", "forward",
            ])
    }

    @Test("mail without anybody to send it to is refused")
    func noRecipient() async {
        let bench = Bench()
        let token = await bench.token()
        for recipients in [[], [["emailAddress": ["address": "not an address"]]], [["emailAddress": [:]]]]
            as [JSONValue]
        {
            let answer = await bench.graph(
                "POST", "/v1.0/me/sendMail", token: token,
                body: ["message": ["subject": "x", "toRecipients": recipients]])
            #expect(answer.status == 400)
        }
        #expect(await bench.graph("POST", "/v1.0/me/sendMail", token: token, body: ["subject": "x"]).status == 400)
        #expect(await bench.control("GET", "outbox").json["sent"] == [])
    }

    @Test("what a client adds to a message is told to those who expand it, and changed with it")
    func addedProperties() async {
        let bench = Bench(users: 30)
        let token = await bench.token()
        let name = "singleValueExtendedProperties"
        func added(_ value: String) -> JSONValue {
            [["id": "String {00020329-0000-0000-C000-000000000046} Name Case", "value": .string(value)]]
        }
        let made = await bench.graph("POST", "/v1.0/me/messages", token: token, body: [name: added("one")])
        #expect(made.status == 201 && made.json[name] == nil)
        let message = "/v1.0/me/messages/\(made.json["id"]?.string ?? "")"
        #expect(await bench.graph("GET", "\(message)?$expand=\(name)", token: token).json[name] == added("one"))
        let changed = await bench.graph("PATCH", message, token: token, body: [name: added("two")])
        #expect(changed.status == 200 && changed.json[name] == nil)
        #expect(await bench.graph("GET", "\(message)?$expand=\(name)", token: token).json[name] == added("two"))
    }

    @Test("a draft is made, changed, sent and gone from the drafts")
    func drafts() async {
        let bench = Bench()
        let token = await bench.token()
        let draft = await bench.graph("POST", "/v1.0/me/messages", token: token, body: ["subject": "Draft"])
        #expect(draft.status == 201)
        #expect(draft.json["isDraft"] == true)
        let id = draft.json["id"]?.string ?? ""
        let folder = await bench.graph("GET", "/v1.0/me/mailFolders/drafts", token: token).json
        #expect(draft.json["parentFolderId"] == folder["id"])
        #expect(folder["totalItemCount"] == 1)
        #expect(await bench.graph("POST", "/v1.0/me/messages/\(id)/send", token: token).status == 400)
        let to: JSONValue = ["toRecipients": [["emailAddress": ["address": "x@fabrikam.example"]]]]
        #expect(await bench.graph("PATCH", "/v1.0/me/messages/\(id)", token: token, body: to).status == 200)
        #expect(await bench.graph("POST", "/v1.0/me/messages/\(id)/send", token: token).status == 202)
        #expect(await bench.graph("GET", "/v1.0/me/messages/\(id)", token: token).status == 404)
        #expect(await bench.graph("GET", "/v1.0/me/mailFolders/drafts", token: token).json["totalItemCount"] == 0)
    }

    @Test("deleting a message moves it to the bin, deleting it there ends it, moving works")
    func bin() async {
        let bench = Bench()
        let token = await bench.token()
        let id =
            await bench.graph("GET", "/v1.0/me/mailFolders/inbox/messages?$top=1", token: token).json["value"]?[0]?[
                "id"]?
            .string ?? ""
        let moved = await bench.graph(
            "POST", "/v1.0/me/messages/\(id)/move", token: token, body: ["destinationId": "archive"])
        #expect(moved.status == 201)
        let newID = moved.json["id"]?.string ?? ""
        #expect(newID != id)
        #expect(await bench.graph("GET", "/v1.0/me/messages/\(id)", token: token).status == 404)
        let binned =
            await bench.graph("GET", "/v1.0/me/mailFolders/deleteditems", token: token).json["totalItemCount"]?.int ?? 0
        #expect(await bench.graph("DELETE", "/v1.0/me/messages/\(newID)", token: token).status == 204)
        #expect(
            await bench.graph("GET", "/v1.0/me/mailFolders/deleteditems", token: token).json["totalItemCount"]?.int
                == binned
                + 1)
    }

    @Test("files are uploaded, read back, replaced and deleted")
    func files() async {
        let bench = Bench()
        let token = await bench.token()
        let put = await bench.tenant.answer(
            HTTPServerRequest(
                "PUT", "/v1.0/me/drive/root:/Documents/new%20file.txt:/content",
                headers: ["Authorization": "Bearer \(token)"], body: Array("one".utf8)))
        #expect(put.status == 201)
        let item = await bench.graph("GET", "/v1.0/me/drive/root:/Documents/new%20file.txt", token: token).json
        #expect(item["size"] == 3)
        #expect(item["name"] == "new file.txt")
        let redirect = await bench.graph(
            "GET", "/v1.0/me/drive/items/\(item["id"]?.string ?? "")/content", token: token)
        #expect(redirect.status == 302)
        let target = String((redirect.headers["Location"] ?? "").dropFirst(Bench.base.count))
        #expect(await bench.send("GET", target).text == "one", "the address carries its own permission")
        #expect(await bench.send("GET", target, headers: ["Range": "bytes=1-"]).text == "ne")
        #expect(await bench.send("GET", target.split(separator: "tempauth=")[0] + "tempauth=no").status == 401)
        #expect(
            await bench.graph("DELETE", "/v1.0/me/drive/items/\(item["id"]?.string ?? "")", token: token).status == 204)
        #expect(await bench.graph("GET", "/v1.0/me/drive/root:/Documents/new%20file.txt", token: token).status == 404)
    }

    @Test(
        "a new file's path is accepted as a key of the drive's items",
        arguments: ["items/root:/Documents/sdk.bin:", "items/root%3A%2FDocuments%2Fsdk.bin%3A"])
    func pathAsKey(address: String) async {
        let bench = Bench()
        let token = await bench.token()
        let drive = await bench.graph("GET", "/v1.0/me/drive", token: token).json["id"]?.string ?? ""
        let session = await bench.graph(
            "POST", "/v1.0/drives/\(drive)/\(address)/createUploadSession", token: token, body: ["item": [:]])
        #expect(session.status == 200)
    }

    @Test(
        "a user and a group tell which groups they are in",
        arguments: [
            ("getMemberGroups", true), ("getMemberObjects", true), ("checkMemberGroups", true),
            ("checkMemberGroups", false),
        ])
    func memberships(action: String, isAsked: Bool) async {
        let bench = Bench(users: 30)
        let token = await bench.token()
        func group(_ name: String) async -> String {
            await bench.graph(
                "POST", "/v1.0/groups", token: token,
                body: [
                    "displayName": .string(name), "mailEnabled": false, "mailNickname": .string(name),
                    "securityEnabled": true,
                ]
            ).json["id"]?.string ?? ""
        }
        let (outer, inner) = (await group("outer"), await group("inner"))
        let user = await bench.graph("GET", "/v1.0/users/lena.vogt@contoso-sandbox.example", token: token).json["id"]
        for member in [inner, user?.string ?? ""] {
            let link: JSONValue = ["@odata.id": .string("https://graph.microsoft.com/v1.0/directoryObjects/\(member)")]
            _ = await bench.graph("POST", "/v1.0/groups/\(outer)/members/$ref", token: token, body: link)
        }
        for place in ["groups/\(inner)", "users/\(user?.string ?? "")"] {
            let answer = await bench.graph(
                "POST", "/v1.0/\(place)/\(action)", token: token,
                body: ["securityEnabledOnly": false, "groupIds": [.string(isAsked ? outer : inner)]])
            #expect(answer.json["value"]?.array?.contains(.string(outer)) == isAsked, "\(place)")
        }
    }

    @Test(
        "an item is moved into a folder that is there, and over nothing",
        arguments: [
            ("from", "to", nil, nil), ("from", "none", nil, "itemNotFound"), ("from", "from", nil, "invalidRequest"),
            ("from", "to", "taken", "nameAlreadyExists"), ("from", "file", nil, "itemNotFound"),
        ])
    func moved(item: String, folder: String, name: String?, refusal: String?) async {
        let bench = Bench(users: 30)
        let token = await bench.token()
        func asked(_ method: String, _ path: String, _ body: JSONValue? = nil) async -> HTTPServerResponse {
            await bench.graph(method, "/v1.0/me/drive/\(path)", token: token, body: body)
        }
        var ids = ["none": "none"]
        for (name, place) in [("from", "root"), ("to", "root"), ("taken", "root:/to:")] {
            let made = await asked("POST", "\(place)/children", ["name": .string(name), "folder": [:]])
            ids[name] = made.json["id"]?.string
        }
        let file = await bench.tenant.answer(
            HTTPServerRequest(
                "PUT", "/v1.0/me/drive/root:/a.txt:/content", headers: ["Authorization": "Bearer \(token)"],
                body: Array("one".utf8)))
        ids["file"] = file.json["id"]?.string
        var change: JSONObject = ["parentReference": ["id": .string(ids[folder] ?? "")]]
        change["name"] = name.map { .string($0) }
        let answer = await asked("PATCH", "items/\(ids[item] ?? "")", .object(change))
        #expect(answer.errorCode == refusal, "\(answer.json)")
        #expect(await asked("GET", "root:/\(refusal == nil ? "to/from" : "from")").status == 200)
    }

    @Test("a file or a folder is copied with all that is in it, to where the request says, and over nothing")
    func copied() async {
        let bench = Bench(users: 30)
        let token = await bench.token()
        func asked(_ method: String, _ path: String, _ body: JSONValue? = nil) async -> HTTPServerResponse {
            await bench.graph(method, "/v1.0/me/drive/\(path)", token: token, body: body)
        }
        func folder(_ name: String) async -> String {
            await asked("POST", "root/children", ["name": .string(name), "folder": [:]]).json["id"]?.string ?? ""
        }
        let (from, to) = (await folder("from"), await folder("to"))
        _ = await bench.tenant.answer(
            HTTPServerRequest(
                "PUT", "/v1.0/me/drive/root:/from/inner/a.txt:/content",
                headers: ["Authorization": "Bearer \(token)"], body: Array("one".utf8)))
        #expect(await asked("POST", "items/\(from)/copy", ["parentReference": ["id": .string(to)]]).status == 202)
        #expect(await asked("GET", "root:/to/from/inner/a.txt").json["size"] == 3)
        #expect(await asked("GET", "root:/from/inner/a.txt").status == 200)
        let file = await asked("GET", "root:/from/inner/a.txt").json["id"]?.string ?? ""
        let target: JSONValue = ["id": .string(to)]
        #expect(
            await asked("POST", "items/\(file)/copy", ["name": "b.txt", "parentReference": target]).status == 202)
        #expect(await asked("GET", "root:/to/b.txt").json["size"] == 3)
        #expect(await asked("POST", "items/\(file)/copy").errorCode == "nameAlreadyExists", "it would replace itself")
        #expect(await asked("POST", "items/\(file)/copy?@microsoft.graph.conflictBehavior=rename").status == 202)
        #expect(await asked("GET", "root:/from/inner/a%201.txt").json["size"] == 3)
        #expect(
            await asked("POST", "items/\(file)/copy", ["parentReference": ["id": "none"]]).errorCode == "itemNotFound")
        // A folder in itself holds what was there before.
        #expect(await asked("POST", "items/\(from)/copy", ["parentReference": ["id": .string(from)]]).status == 202)
        #expect(await asked("GET", "root:/from/from/inner/a.txt").status == 200)
        #expect(await asked("GET", "root:/from/from/from").status == 404)
    }

    @Test("a large file goes up in parts, in order")
    func uploadSession() async {
        let bench = Bench()
        let token = await bench.token()
        let session = await bench.graph(
            "POST", "/v1.0/me/drive/root:/big.bin:/createUploadSession", token: token,
            body: ["item": ["name": "big.bin"]])
        #expect(session.status == 200)
        let url = String((session.json["uploadUrl"]?.string ?? "").dropFirst(Bench.base.count))
        let content = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        func part(_ range: Range<Int>) async -> HTTPServerResponse {
            await bench.tenant.answer(
                HTTPServerRequest(
                    "PUT", url, headers: ["Content-Range": "bytes \(range.lowerBound)-\(range.upperBound - 1)/700000"],
                    body: Array(content[range])))
        }
        let first = await part(0..<327_680)
        #expect(first.status == 202)
        #expect(first.json["nextExpectedRanges"] == ["327680-699999"])
        #expect(await part(0..<327_680).status == 416)
        #expect(await bench.send("GET", url).json["nextExpectedRanges"] == ["327680-"])
        #expect(await part(327_680..<655_360).status == 202)
        let last = await part(655_360..<700_000)
        #expect(last.status == 201)
        #expect(last.json["size"] == 700_000)
        #expect(await bench.send("GET", url).status == 404)
    }

    @Test("those without the permission or the role are refused")
    func permissions() async {
        let bench = Bench()
        let ordinary = await bench.token("lena.vogt@contoso-sandbox.example")
        let reader = await bench.token("rita.reader@contoso-sandbox.example")
        let narrow = await bench.token(scope: "User.Read")
        #expect(
            await bench.graph("POST", "/v1.0/users", token: ordinary, body: Self.newUser).errorCode
                == "Authorization_RequestDenied")
        #expect(await bench.graph("GET", "/v1.0/auditLogs/signIns", token: ordinary).status == 403)
        #expect(await bench.graph("GET", "/v1.0/auditLogs/signIns", token: reader).status == 200)
        #expect(
            await bench.graph("GET", "/v1.0/users/\(TenantIdentity.administrator)/messages", token: ordinary).errorCode
                == "ErrorAccessDenied")
        #expect(await bench.graph("GET", "/v1.0/me", token: narrow).status == 200)
        #expect(await bench.graph("GET", "/v1.0/users", token: narrow).status == 403)
        #expect(await bench.graph("GET", "/v1.0/me/messages", token: narrow).status == 403)
        #expect(await bench.graph("POST", "/v1.0/me/sendMail", token: narrow, body: ["message": [:]]).status == 403)
    }

    @Test("chats and channels take messages")
    func chats() async {
        let bench = Bench()
        let token = await bench.token()
        let chat =
            await bench.graph("GET", "/v1.0/me/chats?$top=1", token: token).json["value"]?[0]?["id"]?.string ?? ""
        let posted = await bench.graph(
            "POST", "/v1.0/chats/\(chat)/messages", token: token, body: ["body": ["content": "Hello"]])
        #expect(posted.status == 201)
        #expect(
            await bench.graph("GET", "/v1.0/chats/\(chat)/messages?$top=1", token: token).json["value"]?[0]?["body"]?[
                "content"] == "Hello")
        let team = await bench.graph("GET", "/v1.0/me/joinedTeams", token: token).json["value"]?[0]?["id"]?.string ?? ""
        let channel =
            await bench.graph("GET", "/v1.0/teams/\(team)/channels", token: token).json["value"]?[0]?["id"]?.string
            ?? ""
        #expect(
            await bench.graph(
                "POST", "/v1.0/teams/\(team)/channels/\(channel)/messages", token: token,
                body: ["body": ["content": "All"]]
            ).status == 201)
        #expect(
            await bench.graph("POST", "/v1.0/chats/\(chat)/messages", token: token, body: ["body": ["content": ""]])
                .status
                == 400)
        let stranger = await bench.token("rita.reader@contoso-sandbox.example")
        let isMine = chat.contains(claims(of: .string(stranger))["oid"]?.string ?? "-")
        #expect(
            await bench.graph("GET", "/v1.0/chats/\(chat)/messages", token: stranger).status == (isMine ? 200 : 404))
    }
}

@Suite("Writing to the other parts of Graph", .timeLimit(.minutes(5)))
struct GraphOtherWriteTests {
    @Test("a folder is made once, and holds files")
    func folders() async {
        let bench = Bench()
        let token = await bench.token()
        let made = await bench.graph(
            "POST", "/v1.0/me/drive/root/children", token: token, body: ["name": "Plans", "folder": [:]])
        #expect(made.status == 201)
        #expect(
            await bench.graph(
                "POST", "/v1.0/me/drive/root/children", token: token, body: ["name": "Plans", "folder": [:]]
            )
            .errorCode == "nameAlreadyExists")
        let put = HTTPServerRequest(
            "PUT", "/v1.0/me/drive/root:/Plans/a.txt:/content", headers: ["Authorization": "Bearer \(token)"],
            body: [65])
        #expect(await bench.tenant.answer(put).status == 201)
        let children =
            await bench.graph("GET", "/v1.0/me/drive/root:/Plans:/children", token: token).json["value"]?.array ?? []
        #expect(children.map { $0["name"] } == ["a.txt"])
        #expect(
            await bench.graph("POST", "/v1.0/me/drive/root/children", token: token, body: ["name": "x"]).status == 400)
    }

    @Test("a team is made in the background, and its owner is in it")
    func teams() async {
        let bench = Bench()
        let token = await bench.token()
        let made = await bench.graph(
            "POST", "/v1.0/teams", token: token, body: ["displayName": "Chess club", "description": "We play."])
        #expect(made.status == 202)
        let place = made.headers["Location"] ?? ""
        #expect(place.hasPrefix("/teams('"))
        #expect(await bench.graph("GET", "/v1.0\(place)", token: token).json["status"] == "succeeded")
        let joined = await bench.everyItem("/v1.0/me/joinedTeams", token: token)
        #expect(joined.contains { $0["displayName"] == "Chess club" })
    }

    @Test("a group gets a team, whose settings, members and state are changed")
    func teamChanges() async throws {
        let bench = Bench()
        let token = await bench.token()
        func send(_ method: String, _ path: String, _ body: JSONValue? = nil) async -> (status: Int, json: JSONValue) {
            let answer = await bench.graph(method, "/v1.0\(path)", token: token, body: body)
            return (answer.status, answer.status == 204 ? .null : answer.json)
        }
        let group = await send(
            "POST", "/groups",
            [
                "displayName": "Chess", "mailNickname": "chess", "mailEnabled": true, "securityEnabled": false,
                "groupTypes": ["Unified"],
            ])
        let id = try #require(group.json["id"]?.string)
        #expect(await send("GET", "/teams/\(id)").status == 404)
        let settings: JSONValue = ["memberSettings": ["allowDeleteChannels": false]]
        #expect(await send("PUT", "/groups/\(id)/team", settings).status == 201)
        #expect(await send("PUT", "/groups/\(id)/team", settings).status == 409)
        #expect(await send("PATCH", "/teams/\(id)", ["funSettings": ["allowGiphy": false]]).status == 204)
        #expect(await send("PATCH", "/teams/\(id)", ["funSettings": ["allowMagic": false]]).status == 400)
        let team = await send("GET", "/teams/\(id)").json
        #expect(team["memberSettings"]?["allowDeleteChannels"] == false)
        #expect(team["memberSettings"]?["allowAddRemoveApps"] == true)
        #expect(team["funSettings"]?["allowGiphy"] == false)
        let person: JSONValue = [
            "roles": ["owner"],
            "user@odata.bind": "https://graph.microsoft.com/v1.0/users('lena.vogt@contoso-sandbox.example')",
        ]
        let joined = await send("POST", "/teams/\(id)/members", person)
        #expect(joined.status == 201)
        let membership = try #require(joined.json["id"]?.string)
        #expect(await send("POST", "/teams/\(id)/members", ["roles": []]).status == 400)
        #expect(await send("PATCH", "/teams/\(id)/members/\(membership)", ["roles": []]).status == 200)
        let owners = await send("GET", "/groups/\(id)/owners").json["value"]?.array ?? []
        #expect(!owners.contains { $0["userPrincipalName"] == "lena.vogt@contoso-sandbox.example" })
        #expect(await send("DELETE", "/teams/\(id)/members/\(membership)").status == 204)
        #expect(await send("DELETE", "/teams/\(id)/members/\(membership)").status == 404)
        #expect(await send("POST", "/teams/\(id)/archive").status == 202)
        #expect(await send("GET", "/teams/\(id)").json["isArchived"] == true)
        #expect(await send("POST", "/teams/\(id)/unarchive").status == 202)
        #expect(await send("GET", "/teams/\(id)").json["isArchived"] == false)
    }

    @Test(
        "objects of every kind are found by their ids",
        arguments: ["servicePrincipals", "users", "directoryObjects"])
    func byIDs(collection: String) async throws {
        let bench = Bench()
        let token = await bench.token()
        let first = await bench.graph("GET", "/v1.0/servicePrincipals?$top=1&$select=id", token: token).json
        let id = try #require(first["value"]?[0]?["id"])
        let found = await bench.graph(
            "POST", "/v1.0/\(collection)/getByIds", token: token, body: ["ids": [id], "types": ["servicePrincipal"]])
        #expect(found.json["value"]?[0]?["id"] == id)
    }

    @Test("settings of a mailbox are kept, unknown ones refused")
    func mailboxSettings() async {
        let bench = Bench()
        let token = await bench.token()
        #expect(
            await bench.graph("PATCH", "/v1.0/me/mailboxSettings", token: token, body: ["timeZone": "Europe/Oslo"])
                .status
                == 200)
        #expect(await bench.graph("GET", "/v1.0/me/mailboxSettings", token: token).json["timeZone"] == "Europe/Oslo")
        #expect(
            await bench.graph("PATCH", "/v1.0/me/mailboxSettings", token: token, body: ["mood": "good"]).status == 400)
    }

    @Test("mail comes as plain text where it is preferred so")
    func textBodies() async {
        let bench = Bench()
        let token = await bench.token()
        let prefer = ["Prefer": "outlook.body-content-type=\"text\""]
        let message = await bench.graph("GET", "/v1.0/me/messages?$top=1", token: token, headers: prefer).json[
            "value"]?[0]
        #expect(message?["body"]?["contentType"] == "text")
        #expect(message?["body"]?["content"]?.string?.contains("<") == false)
        let one = await bench.graph("GET", "/v1.0/me/messages/\(message?["id"]?.string ?? "")", token: token)
        #expect(one.json["body"]?["contentType"] == "html")
    }

    @Test("licences are given and taken, unknown ones refused")
    func licences() async {
        let bench = Bench()
        let token = await bench.token()
        let target = "/v1.0/users/lena.vogt@contoso-sandbox.example"
        let given: JSONValue = [
            "addLicenses": [["skuId": "66b55226-6b4f-492c-910c-a3b7a3c9d993"]], "removeLicenses": [],
        ]
        #expect(await bench.graph("POST", "\(target)/assignLicense", token: token, body: given).status == 200)
        let held = await bench.everyItem("\(target)/licenseDetails", token: token).compactMap {
            $0["skuPartNumber"]?.string
        }
        #expect(held.contains("SPE_F1"))
        let unknown: JSONValue = [
            "addLicenses": [["skuId": "11111111-1111-4111-8111-111111111111"]], "removeLicenses": [],
        ]
        #expect(await bench.graph("POST", "\(target)/assignLicense", token: token, body: unknown).status == 400)
    }

    @Test("revoking the sessions of somebody ends their tokens")
    func revoke() async {
        let bench = Bench()
        let admin = await bench.token()
        let tokens = await bench.signIn("lena.vogt@contoso-sandbox.example")
        #expect(
            await bench.graph(
                "POST", "/v1.0/users/lena.vogt@contoso-sandbox.example/revokeSignInSessions", token: admin
            )
            .json["value"] == true)
        #expect(await bench.graph("GET", "/v1.0/me", token: tokens["access_token"]?.string ?? "").status == 401)
        #expect(await bench.refresh(tokens["refresh_token"]?.string ?? "").number == 50_173)
        #expect(await bench.graph("GET", "/v1.0/me", token: admin).status == 200)
    }
}
