import MMCore
import Testing

@testable import MMNative
@testable import MMOperations

@Suite("Objects of Graph's modules", .timeLimit(.minutes(5)))
struct GraphObjectsTests {
    /// The own properties of an object, and those in `AdditionalProperties`.
    private func parts(of value: PSValue) throws -> (own: [String], more: [String]) {
        var found: PSObject?
        if case .object(let object) = value { found = object }
        let object = try #require(found)
        guard case .table(let table)? = object["AdditionalProperties"] else { return (object.shape.names, []) }
        return (object.shape.names.filter { $0 != "AdditionalProperties" }, table.pairs.map(\.key))
    }

    @Test(
        "have the properties of the class that the request declares, and the others beside",
        arguments: [
            (
                "authenticationMethod",
                ##"{"@odata.type":"#microsoft.graph.phoneAuthenticationMethod","id":"1","phoneNumber":"+1","phoneType":"mobile"}"##,
                ["Id"], ["@odata.type", "phoneNumber", "phoneType"]
            ),
            (
                "namedLocation",
                ##"{"@odata.type":"#microsoft.graph.ipNamedLocation","id":"1","displayName":"Office","isTrusted":true}"##,
                ["Id", "DisplayName"], ["@odata.type", "isTrusted"]
            ),
            ("directoryObject", #"{"id":"1","displayName":"Ann"}"#, ["Id"], ["displayName"]),
            (
                "user", ##"{"@odata.type":"#microsoft.graph.user","id":"1","displayName":"Ann"}"##,
                ["Id", "DisplayName"], ["@odata.type"]
            ),
            (
                "user", #"{"id":"1","displayName":"Ann","newerThanTheTables":1}"#,
                ["Id", "DisplayName", "NewerThanTheTables"], []
            ),
            (nil, ##"{"@odata.type":"#microsoft.graph.user","id":"1","mail":"a"}"##, ["Id"], ["@odata.type", "mail"]),
            (nil, #"{"@odata.context":"x","id":"1","mail":"a"}"#, ["Id", "Mail"], []),
        ] as [(String?, String, [String], [String])])
    func classes(type: String?, json: String, own: [String], more: [String]) throws {
        var objects = GraphObjects(.objects(of: type), of: "Get-MgSomething")
        let parts = try parts(of: objects.object(try JSONParser.parse(json)))
        #expect(parts.own == own)
        #expect(parts.more == more)
    }

    @Test(
        "have an object in each property whose class is one, and `$null` in others that the service did not return",
        arguments: [
            ("SignInActivity", true), ("signinactivity", true), ("PasswordProfile", true), ("Manager", true),
            ("UserType", false), ("BusinessPhones", false), ("AssignedLicenses", false), ("CreatedDateTime", false),
        ])
    func emptyObjects(name: String, isObject: Bool) throws {
        var objects = GraphObjects(.objects(of: "user"), of: "Get-MgUser")
        let user = objects.object(["id": "1", "passwordProfile": nil])
        let value = try Members.property(user, name)
        #expect(value.isNull != isObject)
        #expect(try Members.property(value, "LastSignInDateTime").isNull)
        #expect(try Members.property(.array([user]), name).isNull != isObject)
    }

    @Test(
        "tell which of their empty properties a script reads, and none that it only lists",
        arguments: [
            ("$u | Where-Object AccountEnabled", "AccountEnabled"), ("$u.accountenabled", "AccountEnabled"),
            ("$u | Select-Object Id, Manager, UserType", "Manager UserType"),
            ("@($u, $u) | ForEach-Object { $_.SignInActivity.LastSignInDateTime }", "SignInActivity"),
            ("$u.DisplayName; $u.Mail; $u.Nothing", ""), ("$u | Select-Object * | Out-Null", ""),
            ("$u | ConvertTo-Json -Depth 1 | Out-Null", ""), ("$u | ConvertTo-Csv | Out-Null", ""),
        ])
    func missed(script: String, told: String) async throws {
        let missed = Mutex<Set<MissedProperty>>([])
        var objects = GraphObjects(.objects(of: "user"), of: "Get-MgUser") { property in
            missed.withLock { _ = $0.insert(property) }
        }
        let user = objects.object(["id": "1", "displayName": "Ann", "mail": nil])
        var session = NativeSession()
        let engine = NativeEngine(host: NativeHost(), arguments: ["u": user], isPatient: true)
        guard case .completed = await engine.run("param($u) \(script)", in: &session) else {
            Issue.record("it did not run")
            return
        }
        let found = missed.withLock { $0 }
        #expect(found.map(\.name).sorted().joined(separator: " ") == told)
        #expect(found.allSatisfy { $0.isNavigation == ($0.name == "Manager") })
    }

    @Test("don't tell of a property that the service returned for another object", arguments: [true, false])
    func facets(hasFolder: Bool) async throws {
        let missed = Mutex<Set<String>>([])
        var objects = GraphObjects(.objects(of: "driveItem"), of: "Get-MgDriveItemChild") { property in
            missed.withLock { _ = $0.insert(property.name) }
        }
        let folder = objects.object(hasFolder ? ["id": "1", "folder": ["childCount": 2]] : ["id": "1"])
        let file = objects.object(["id": "2", "file": ["mimeType": "text/plain"]])
        var session = NativeSession()
        let engine = NativeEngine(host: NativeHost(), arguments: ["i": .array([file, folder])], isPatient: true)
        guard case .completed = await engine.run("param($i) $i | Where-Object { $_.Folder.ChildCount }", in: &session)
        else {
            Issue.record("it did not run")
            return
        }
        #expect(missed.withLock { $0 } == (hasFolder ? [] : ["Folder"]))
    }

    @Test("have objects of whole classes within them, also where the service sent nothing")
    func inner() throws {
        var objects = GraphObjects(.objects(of: "conditionalAccessPolicy"), of: "Get-MgIdentityConditionalAccessPolicy")
        let policy = objects.object(["conditions": ["platforms": nil, "userRiskLevels": [], "clientAppTypes": ["all"]]])
        let conditions = try Members.property(policy, "Conditions")
        #expect(try !Members.property(conditions, "Platforms").isNull)
        #expect(try !Members.property(conditions, "Locations").isNull)
        var names: [String] = []
        if case .object(let object) = conditions { names = object.declared?.names ?? [] }
        #expect(names.first == "Applications" && names.last == "Users", "\(names)")
        #expect(!names.contains("AdditionalProperties"))
    }

    @Test("have empty properties within the objects that the service did not return, and are written so as JSON")
    func emptyInner() async throws {
        var objects = GraphObjects(.objects(of: "user"), of: "Get-MgUser")
        let user = objects.object(["id": "1", "displayName": "Ann"])
        var session = NativeSession()
        let engine = NativeEngine(host: NativeHost(), arguments: ["u": user], isPatient: true)
        let script = """
            param($u) $u | Select-Object Id, PasswordProfile, Birthday | ConvertTo-Json -Compress
            @($u.PasswordProfile.PSObject.Properties.Name) -join ','; [bool]$u.Manager
            """
        guard case .completed(let result) = await engine.run(script, in: &session) else {
            Issue.record("it did not run")
            return
        }
        let names = ["ForceChangePasswordNextSignIn", "ForceChangePasswordNextSignInWithMfa", "Password"]
        let empty = names.map { "\"\($0)\":null" }.joined(separator: ",")
        #expect(
            result.objects.map(\.text) == [
                "{\"Id\":\"1\",\"PasswordProfile\":{\(empty)},\"Birthday\":null}", names.joined(separator: ","), "True",
            ])
    }

    @Test(
        "are spelt as the modules' classes are",
        arguments: [
            ("signIn", "ipAddress", "IPAddress"), ("managedDevice", "osVersion", "OSVersion"),
            ("managedDevice", "isEncrypted", "IsEncrypted"), ("user", "userPrincipalName", "UserPrincipalName"),
        ])
    func spelling(type: String, name: String, spelt: String) {
        var objects = GraphObjects(.objects(of: type), of: "Get-MgSomething")
        var names: [String] = []
        if case .object(let object) = objects.object([name: "1"]) { names = object.shape.names }
        #expect(names.contains(spelt), "\(names)")
    }

    @Test(
        "show the type of lists of texts, and of no others",
        arguments: [("BusinessPhones", "System.String[]"), ("AssignedPlans", "System.Object[]")])
    func lists(name: String, type: String) async throws {
        var objects = GraphObjects(.objects(of: "user"), of: "Get-MgUser")
        let user = objects.object(["id": "1", "businessPhones": ["1", "2"], "assignedPlans": [["service": "a"]]])
        var session = NativeSession()
        let engine = NativeEngine(host: NativeHost(), arguments: ["u": user], isPatient: true)
        let script = "param($u) ($u | Select-Object \(name) | ConvertTo-Csv)[1]"
        guard case .completed(let result) = await engine.run(script, in: &session) else {
            Issue.record("it did not run")
            return
        }
        #expect(result.objects.map(\.text) == ["\"\(type)\""])
    }

    @Test("know all properties of their class, and keep the others in a dictionary")
    func declared() throws {
        var objects = GraphObjects(.objects(of: "user"), of: "Get-MgUser")
        var user: PSObject?
        if case .object(let object) = objects.object(["id": "1", "more": 1]) { user = object }
        let names = try #require(user?.declared?.names)
        #expect(names.contains("Department") && names.contains("Manager") && names.contains("Id"))
        #expect(names.dropLast() == names.dropLast().sorted { $0.lowercased() < $1.lowercased() }[...])
        #expect(names.last == "AdditionalProperties")
        #expect(user?["AdditionalProperties"]?.typeName == "System.Collections.Generic.Dictionary`2")
    }

    @Test(
        "are of the module's class for the type that the request declares",
        arguments: [
            ("user", "Microsoft.Graph.PowerShell.Models.MicrosoftGraphUser"),
            ("microsoft.graph.security.alert", "Microsoft.Graph.PowerShell.Models.MicrosoftGraphSecurityAlert"),
            (nil, nil),
        ] as [(String?, String?)])
    func models(type: String?, model: String?) {
        var objects = GraphObjects(.objects(of: type), of: "Get-MgSomething")
        var found: PSObject?
        if case .object(let object) = objects.object(["id": "1"]) { found = object }
        #expect(found != nil && found?.model == model)
    }

    @Test("treat what is nested in them alike")
    func nested() throws {
        let json = ##"""
            {"id": "1", "target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": "7"},
             "source": "direct"}
            """##
        let cmdlet = "Get-MgDeviceAppManagementMobileAppAssignment"
        var objects = GraphObjects(.objects(of: "mobileAppAssignment"), of: cmdlet)
        var target: PSValue?
        if case .object(let assignment) = objects.object(try JSONParser.parse(json)) { target = assignment["Target"] }
        let parts = try parts(of: try #require(target))
        #expect(parts.own == [])
        #expect(parts.more == ["@odata.type", "groupId"])
    }
}
