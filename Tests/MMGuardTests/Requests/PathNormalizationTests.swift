import MMCore
import Testing

@testable import MMGuard

@Suite("Respelt requests", .timeLimit(.minutes(5)))
struct PathNormalizationTests {
    private static let classifier = RequestClassifier(tables: GuardTables())

    /// Example paths of all templates: keys filled in, function arguments given.
    private static func examples(
        of kinds: GraphPathTable.Kinds = .v1
    ) -> [(template: String, path: String)] {
        var examples: [(String, String)] = []
        let table = GraphPathTable()
        for node in 0..<UInt32(table.file.sectionLength(1) / GraphPathTable.nodeSize)
        where !table.flags(node).isDisjoint(with: kinds) {
            let template = table.text(of: node)
            var path = ""
            var isInside = false
            for character in template {
                switch character {
                case "{":
                    isInside = true
                    path += "k1"
                case "}": isInside = false
                default: if !isInside { path.append(character) }
                }
            }
            examples.append((template, path))
        }
        return examples
    }

    private func found(_ method: String, _ path: String) -> RequestClassification? {
        guard let target = try? RequestTarget(parsing: path, service: .graph, normalization: .clean) else { return nil }
        return Self.classifier.classify(GuardedRequest(method: method, target: target))
    }

    @Test("every template of v1.0 is found by its own spelling")
    func own() {
        let examples = Self.examples()
        #expect(examples.count == 4726)
        for example in examples {
            #expect(found("GET", example.path)?.template == example.template)
        }
    }

    @Test("an action bound to a derived type is found behind its cast", arguments: ["", "/beta"])
    func derivedAction(version: String) {
        let published = found("POST", version + "/sites/a/pages/b/microsoft.graph.sitePage/publish")
        #expect(published?.template == "/sites/{site-id}/pages/{baseSitePage-id}/graph.sitePage/publish")
        #expect(published?.classes.strictest == .write)
        let asked = found("POST", version + "/sites/a/pages/b/microsoft.graph.sitePage/getWebPartsByPosition")
        #expect(asked?.classes.strictest == .read)
        let accepted = found("POST", version + "/users/a/messages/b/microsoft.graph.calendarSharingMessage/accept")
        #expect(accepted?.template == "/users/{user-id}/messages/{message-id}/graph.calendarSharingMessage/accept")
    }

    @Test("every template of beta is found below /beta")
    func beta() {
        let examples = Self.examples(of: .beta)
        #expect(examples.count > 7000)
        for example in examples {
            #expect(found("GET", "/beta" + example.path)?.template == example.template)
        }
    }

    @Test("case, escapes, slashes, dots and full addresses keep template and class of every template")
    func respelt() {
        for (number, example) in Self.examples().enumerated() {
            // Methods and spellings take turns from template to template.
            for method in ["POST", number % 2 == 0 ? "GET" : "PATCH"] {
                guard let plain = found(method, example.path) else {
                    Issue.record("\(example.path) was refused")
                    continue
                }
                for (index, spelling) in Spelling.allCases.enumerated()
                where (number + index) % (method == "POST" ? 4 : 8) == 0 {
                    let path = spelling.respell(example.path)
                    let other = found(method, path)
                    #expect(other?.template == plain.template, "\(method) \(path)")
                    #expect(other?.classes == plain.classes, "\(method) \(path)")
                }
            }
        }
    }

    private enum Spelling: CaseIterable {
        case upper, escaped, doubled, dotted, trailing, absolute, qualified, parentheses, named

        func respell(_ path: String) -> String {
            switch self {
            case .upper:
                return path.uppercased().replacing("K1", with: "k1")
            case .escaped:
                return path.split(separator: "/").map { segment in
                    guard let first = segment.utf8.first, segment.first != "$" else { return "/" + segment }
                    return "/%" + String(first, radix: 16) + segment.dropFirst()
                }.joined()
            case .doubled: return path.replacing("/", with: "//")
            case .dotted: return "/x/.." + path.replacing("/", with: "/./")
            case .trailing: return path + "/"
            case .absolute: return "https://GRAPH.microsoft.com:443/V1.0" + path
            case .qualified: return path.replacing("/graph.", with: "/microsoft.graph.")
            case .parentheses, .named:
                // users/k1 → users('k1') or users(id='k1')
                let key = self == .named ? "(id='k1')" : "('k1')"
                return path.split(separator: "/").reduce(into: "") { result, segment in
                    if segment == "k1", let last = result.last, last != ")" {
                        result += key
                    } else {
                        result += "/" + segment
                    }
                }
            }
        }
    }

    @Test("every template below /users/{id} is found below /me")
    func me() {
        var count = 0
        for example in Self.examples() where example.path.hasPrefix("/users/k1") {
            count += 1
            let path = "/me" + example.path.dropFirst("/users/k1".count)
            #expect(found("GET", path)?.template == example.template, "\(path)")
            #expect(found("POST", path)?.classes == found("POST", example.path)?.classes, "\(path)")
        }
        #expect(count > 100)
    }

    @Test(
        "a dangerous request respelt is never allowed by the standard policy",
        arguments: [
            ("POST", "/me/sendMail()"),
            ("POST", "/me/microsoft.graph.sendMail()"),
            ("POST", "/me/Microsoft.Graph.SendMail"),
            ("POST", "/me/send%2544ail"),
            ("POST", "/users/x%2FsendMail"),
            ("POST", "/me/send%256Dail"),
            ("POST", "/me/sendMail%20"),
            ("POST", "/me/sendMail;x=1"),
            ("POST", "/me%2FsendMail"),
            ("POST", "/users('a/b')/sendMail"),
            ("POST", "/users(userPrincipalName='a@b.c')/sendMail"),
            ("POST", "/v1.0/v1.0/me/sendMail"),
            ("POST", "/beta/v1.0/me/sendMail"),
            ("POST", "/me/messages('x')/microsoft.graph.forward"),
            ("post", "/me/messages/x/Reply"),
            ("POST", "/me/mailFolders('inbox')/messages/x/replyAll"),
            ("POST", "/me/mailFolders/a/childFolders/b/messages/c/forward"),
            ("POST", "/me/calendar/events/x/forward"),
            ("POST", "/me/calendarGroups/a/calendars/b/events/c/cancel"),
            ("POST", "/chats('x')/messages"),
            ("POST", "/me/chats/x/messages"),
            ("POST", "/me/joinedTeams/t/channels/c/messages/m/replies"),
            ("POST", "/groups/g/team/primaryChannel/messages"),
            ("DELETE", "/users('x')"),
            ("DELETE", "/groups/g/sites/s/lists/l"),
            ("MERGE", "/users/x"),
            ("PATCH ", "/users/x"),
            ("POST", "/servicePrincipals(appId='x')/addPassword"),
            ("POST", "/applications/x/microsoft.graph.addPassword"),
            ("POST", "/groups/x/members/$REF"),
            ("POST", "/groups/x/members/microsoft.graph.user/$ref"),
            ("POST", "/directoryRoles(roleTemplateId='x')/members/$ref"),
            ("GET", "/informationProtection/bitlocker/recoveryKeys/x?select=KEY"),
            ("GET", "/informationProtection/bitlocker/recoveryKeys/x?%24SELECT=id,%6Bey"),
            ("GET", "/informationProtection/bitlocker/recoveryKeys/x?$select=id&$select=key"),
            ("GET", "/informationProtection/bitlocker/recoveryKeys/x?$select=k%2565y"),
            ("GET", "/informationProtection/bitlocker/recoveryKeys/x?$select=*"),
            ("GET", "/informationProtection/bitlocker/recoveryKeys/x/key/$value"),
            ("GET", "/deviceLocalCredentials/x?$select=credentials"),
            ("GET", "/directory?$expand=deviceLocalCredentials($select=credentials)"),
            ("GET", "/directory?expand=deviceLocalCredentials%20(%20select%20=%20id,Credentials%20;$top=1)"),
            ("GET", "/directory?$expand=administrativeUnits,deviceLocalCredentials($select=*)"),
            ("GET", "/directory?$expand=*($select=credentials)"),
            ("GET", "/directory?$expand=deviceLocalCredentials%2528$select=credentials%2529"),
            ("GET", "/informationProtection/bitlocker?$expand=recoveryKeys($select=key)"),
            ("GET", "/informationProtection?$expand=bitlocker($expand=recoveryKeys($select=key))"),
            ("GET", "/informationProtection?$expand=bitlocker/recoveryKeys($select=key)"),
            ("GET", "/users?$expand=managedDevices($select=activationLockBypassCode)"),
            ("GET", "/me?$expand=managedDevices($select=activationLockBypassCode)"),
            ("GET", "/groups/g/members/microsoft.graph.user?$expand=managedDevices($select=activationLockBypassCode)"),
            ("GET", "/beta/trustFramework?$expand=keySets"),
            ("GET", "/beta/trustFramework?$expand=*"),
            ("GET", "/beta/deviceManagement?$expand=hardwarePasswordDetails"),
            ("GET", "/deviceAppManagement/vppTokens/x/token"),
            ("GET", "/deviceAppManagement/vppTokens('x')/Token/$value"),
            ("GET", "/beta/deviceManagement/androidDeviceOwnerEnrollmentProfiles/x/tokenValue"),
            ("GET", "/users?$expand=manager($select=id"),
            ("GET", "/users?$expand=manager($select)"),
            (
                "GET",
                "/me?$expand=a($expand=a($expand=a($expand=a($expand=a($expand=a($expand=a($expand=a($expand=a))))))))"
            ),
            ("GET", "/me/chats/getAllMessages"),
            ("GET", "/users/x%252Fchats%252FgetAllMessages"), ("GET", "/users/x%25252Fchats%25252FgetAllMessages"),
            ("GET", "/users/x/chats/microsoft.graph.getAllMessages()"),
            ("POST", "/subscriptions"),
            ("POST", "/some/path/nobody/knows"),
            ("POST", "/directoryObjects/a/microsoft.graph.user/sendMail"),
            ("POST", "/groups/a/members/b/microsoft.graph.user/sendMail"),
            ("POST", "/drives/d/root:/a.docx:/createLink"),
            ("POST", "/me/drive/items('x')/invite"),
            ("POST", "/sites/a.sharepoint.com:/sites/hr:/drive/root:/x:/createLink"),
            ("POST", "/drives/d/items/root%3A%2Fa%2Fb.docx%3A/invite"),
            ("POST", "/drives/d/items/x%3A%2Fa.docx%3A/createLink"),
            ("POST", "/drives/d/items/root%3A%2Fa.docx%3A%2Finvite"),
            ("POST", "/drives/d/items/root%3A%2Fa/b.docx%3A/invite"),
            ("POST", "/sites/a.sharepoint.com%3A%2Fsites%2Fhr%3A/permissions"),
        ])
    func dangerous(method: String, path: String) throws {
        let target = try RequestTarget(parsing: path, service: .graph, normalization: .clean)
        let engine = GuardEngine()
        let verdict = engine.judge(GuardedRequest(method: method, target: target), policy: .standard)
        #expect(verdict.decision != .allow, "\(verdict.rule)")
        #expect(verdict.guardClass != .read)
        let readonly = engine.judge(GuardedRequest(method: method, target: target), policy: GuardPolicy(.readonly))
        #expect(readonly.decision == .deny)
    }

    @Test(
        "a request has the same verdict on every way to its object, and with the name of its key",
        arguments: [
            ("PATCH", "/security/cases/ediscoveryCases(id='x')", "/security/cases/ediscoveryCases/x"),
            (
                "POST", "/security/cases/ediscoveryCases(id='x')/searches(id='y')/additionalSources",
                "/security/cases/ediscoveryCases/x/searches/y/additionalSources"
            ),
            ("POST", "/teams(id='x')/channels", "/teams/x/channels"),
            (
                "DELETE", "/applications/a/federatedIdentityCredentials(name='x')",
                "/applications/a/federatedIdentityCredentials/x"
            ),
            ("PATCH", "/shares/u!x/driveItem", "/drives/d/items/x"),
            ("PATCH", "/shares/u!x/items/1", "/drives/d/items/x"),
            ("POST", "/beta/shares/u!x/driveItem/archive", "/beta/drives/d/items/x/archive"),
            ("POST", "/beta/shares/u!x/root/archive", "/beta/drives/d/items/x/archive"),
            ("PATCH", "/me/drive/root/children/a.docx", "/drives/d/items/x"),
            ("PATCH", "/drives/d/items/x/children/y", "/drives/d/items/x"),
            ("POST", "/drives/d/items/x/children/y/invite", "/drives/d/items/x/invite"),
            ("PATCH", "/sites/root/lists/l/items/1/driveItem", "/drives/d/items/x"),
            ("POST", "/drives/d/list/items/1/driveItem/createLink", "/drives/d/items/x/createLink"),
            ("POST", "/teams/t/channels/c/filesFolder/invite", "/drives/d/items/x/invite"),
            ("POST", "/sites/root/lists/l/drive/items/x/invite", "/drives/d/items/x/invite"),
            ("POST", "/sites/root/sites/s/drive/items/x/invite", "/drives/d/items/x/invite"),
            ("POST", "/sites/a/getByPath(path='/b')/drive/items/x/invite", "/drives/d/items/x/invite"),
            ("POST", "/contoso.com/me/sendMail", "/me/sendMail"),
            ("POST", "/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2PermissionGrants", "/oauth2PermissionGrants"),
        ])
    func otherWay(method: String, path: String, plain: String) throws {
        func verdict(_ path: String) throws -> Verdict {
            let target = try RequestTarget(parsing: path, service: .graph, normalization: .clean)
            return GuardEngine().judge(GuardedRequest(method: method, target: target), policy: .standard)
        }
        let (expected, found) = (try verdict(plain), try verdict(path))
        #expect(expected.decision == .ask)
        #expect(found.rule == expected.rule)
        #expect(found.guardClass == expected.guardClass)
        #expect(found.decision == expected.decision)
    }

    @Test(
        "a spelling that a lenient server would resolve has the class of what it reaches",
        arguments: [
            "/me/sendMail;x=1", "/me/sendMail%3Bx", "/me/sendMail%253Bx=1", "/me/sendMail%252E", "/me/sendMail%2520",
            "/me%252FsendMail;x", "/me%2FsendMail%3Bx", "/me/sendMail();x=1", "/me/sendMail()%3Bx",
            "/users('a%3Bb');x/sendMail",
        ])
    func lenient(path: String) throws {
        let reached = try #require(found("POST", path))
        #expect(reached.classes == .send)
    }

    @Test(
        "an object that is replaced by PUT has the verdict of its change by PATCH",
        arguments: [
            "/me/events/x", "/me/calendars/c/events/x", "/chats/c/tabs/x", "/teams/t/installedApps/x",
            "/teams/t/channels/c/tabs/x", "/chats/c/targetedMessages/x",
            "/solutions/bookingBusinesses/b/appointments/x", "/solutions/bookingBusinesses/b/staffMembers/x",
            "/groups/g", "/users/u", "/applications/a",
        ])
    func replacing(path: String) throws {
        let target = try RequestTarget(parsing: path, service: .graph)
        let verdicts = ["PATCH", "PUT"].map {
            GuardEngine().judge(GuardedRequest(method: $0, target: target), policy: .standard)
        }
        #expect(verdicts.map(\.decision) == [.ask, .ask])
        #expect(verdicts[0].guardClass == verdicts[1].guardClass)
    }

    @Test(
        "a file addressed by its path has one verdict, however the address is escaped",
        arguments: [
            ("POST", "invite"), ("POST", "createLink"), ("POST", "createUploadSession"), ("PUT", "content"),
            ("DELETE", "permissions/p"),
        ],
        [
            "items/root:/a/b.docx:", "items/root%3A/a/b.docx%3A", "items/root%3A%2Fa%2Fb.docx%3A",
            "root%3A%2Fa%2Fb.docx%3A",
        ])
    func addressByPath(action: (method: String, name: String), address: String) throws {
        func verdict(_ address: String) throws -> Verdict {
            let target = try RequestTarget(
                parsing: "/drives/d/\(address)/\(action.name)", service: .graph, normalization: .clean)
            return GuardEngine().judge(GuardedRequest(method: action.method, target: target), policy: .standard)
        }
        let plain = try verdict("root:/a/b.docx:")
        let other = try verdict(address)
        #expect(plain.rule != "unknown-path")
        #expect(other.rule == plain.rule)
        #expect(other.guardClass == plain.guardClass)
        #expect(other.decision == plain.decision)
    }
}
