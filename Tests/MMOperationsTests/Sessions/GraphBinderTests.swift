import MMCore
import TestSupport
import Testing

@testable import MMNative
@testable import MMOperations

@Suite("Cmdlets of Graph's modules as requests", .timeLimit(.minutes(5)))
struct GraphBinderTests {
    private static let names = [
        "Get-MgUser", "Get-MgBetaUser", "Get-MgGroupMember", "Get-MgUserAuthenticationMethod",
        "Get-MgUserMailFolderMessage",
        "New-MgUser", "Update-MgUser", "Remove-MgUser", "New-MgGroupMemberByRef", "Set-MgUserLicense", "Get-MgDevice",
        "Get-MgServicePrincipalAppRoleAssignment", "Invoke-MgGraphRequest", "Get-MgNothingOfTheKind",
    ]
    private static let parameters = [
        "UserId", "GroupId", "MessageId", "Filter", "Top", "All", "Property", "ExpandProperty", "Headers",
        "BodyParameter",
        "ConsistencyLevel", "CountVariable", "Search", "Sort", "DisplayName", "Uri", "Method", "Nope", "", "PageSize",
        "Skip",
    ]

    private static func value(_ random: inout SeededRandom, depth: Int = 0) -> PSValue {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: return .null
        case 1: return .string("")
        case 2: return .string("a/b?c=d&e#f/../g %2F é")
        case 3: return .string("https://graph.microsoft.com/v1.0/me")
        case 4: return .int(Int32.random(in: -3...1_000, using: &random))
        case 5: return .bool(.random(using: &random))
        case 6 where depth < 3: return .array((0..<2).map { _ in value(&random, depth: depth + 1) })
        case 7 where depth < 3:
            let table = PSTable(isOrdered: true)
            table.set(.string("key"), value(&random, depth: depth + 1))
            return .table(table)
        case 8 where depth < 3:
            return PSObject([("Id", value(&random, depth: depth + 1))]).map { .object($0) } ?? .null
        case 9: return .double(.nan)
        default: return .string("lena@contoso.example")
        }
    }

    @Test(
        "the body has the declared names and types, as the modules' own parameters have",
        arguments: [
            // Names in any case, and their unique beginnings.
            ("Update-MgUser -UserId a -SurName b -Departm c", #"{"surname":"b","department":"c"}"#),
            (
                "Update-MgUser -UserId a -BodyParameter @{ GIVENNAME = 'b'; PasswordProfile = @{ forcechangepasswordnextsignin = $true } }",
                #"{"givenName":"b","passwordProfile":{"forceChangePasswordNextSignIn":true}}"#
            ),
            // One value for a list is a list, also within other properties.
            (
                "Update-MgIdentityGovernanceLifecycleWorkflow -WorkflowId a -DisplayName b -IsEnabled:$false",
                #"{"displayName":"b","isEnabled":false}"#
            ),
            ("Update-MgUser -UserId a -AccountEnabled -Surname b", #"{"accountEnabled":true,"surname":"b"}"#),
            ("Update-MgDevice -DeviceId a -AccountEnabled:$false", #"{"accountEnabled":false}"#),
            ("New-MgBetaUser -Foo:$true -DisplayName c", #"{"foo":true,"displayName":"c"}"#),
            ("Update-MgUser -UserId a -BusinessPhones 55", #"{"businessPhones":["55"]}"#),
            ("New-MgGroup -DisplayName a -GroupTypes Unified", #"{"displayName":"a","groupTypes":["Unified"]}"#),
            (
                "Set-MgUserLicense -UserId a -AddLicenses @{ SkuId = 'b' } -RemoveLicenses @()",
                #"{"addLicenses":[{"skuId":"b"}],"removeLicenses":[]}"#
            ),
            (
                "Set-MgUserLicense -UserId a -AddLicenses @{} -RemoveLicenses b",
                #"{"addLicenses":[],"removeLicenses":["b"]}"#
            ),
            (
                "Send-MgUserMail -UserId a -Message @{ ToRecipients = @{ EmailAddress = @{ Address = 'b' } } }",
                #"{"message":{"toRecipients":[{"emailAddress":{"address":"b"}}]}}"#
            ),
            ("Get-MgDirectoryObjectById -Ids b -Types user", #"{"ids":["b"],"types":["user"]}"#),
            ("Get-MgBetaDirectoryObjectById -Ids b", #"{"ids":["b"]}"#),
            // A number for a text is a text.
            ("Update-MgUser -UserId a -EmployeeId 12 -Surname $null", #"{"employeeId":"12","surname":null}"#),
            // The type that a body names has its own properties.
            (
                "New-MgIdentityConditionalAccessNamedLocation -BodyParameter @{ '@odata.type' = '#microsoft.graph.ipNamedLocation'; IPRANGES = @{ '@odata.type' = '#microsoft.graph.iPv4CidrRange'; cidraddress = 'b' } }",
                ##"{"@odata.type":"#microsoft.graph.ipNamedLocation","ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"b"}]}"##
            ),
            // What isn't declared, in beta or behind -AdditionalProperties, is sent as it is.
            ("New-MgBetaUser -Foo b -DisplayName c", #"{"foo":"b","displayName":"c"}"#),
            (
                "Update-MgUser -UserId a -CustomSecurityAttributes @{ Lab = @{ Project = 'b' } }",
                #"{"customSecurityAttributes":{"Lab":{"Project":"b"}}}"#
            ),
            (
                "Update-MgUser -UserId a -AdditionalProperties @{ extension_1_Cost = 5 }",
                #"{"extension_1_Cost":5}"#
            ),
        ])
    func declaredBodies(line: String, body: String) throws {
        let request = try #require(try GraphLine.request(of: line))
        #expect(request["body"] == (try JSONParser.parse(body)))
    }

    @Test("bytes are sent as Base64, as the modules write them")
    func bytes() throws {
        let bytes = PSValue.array([.byte(1), .byte(255)])
        let call = CmdletCall(
            name: "New-MgBetaDeviceManagementDeviceHealthScript",
            arguments: [.parameter("DetectionScriptContent", bytes, text: nil)])
        #expect(try GraphBinder().bind(call).body == ["detectionScriptContent": "Af8="])
    }

    @Test("a body of values that are nested without end is left to the modules")
    func endlessBody() {
        let value = (0..<60).reduce(PSValue.int(1)) { value, _ in .array([value]) }
        let call = CmdletCall(name: "New-MgGroup", arguments: [.parameter("BodyParameter", value, text: nil)])
        let fault = #expect(throws: GraphBinder.Fault.self) { try GraphBinder().bind(call) }
        guard case .beyond(let reason)? = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(reason == "a body nested deeply")
    }

    @Test(
        "a parameter that a cmdlet doesn't have is refused before anything is sent",
        arguments: [
            ("Update-MgUser -UserId a -Departmnt b", "NamedParameterNotFound"),
            ("Set-MgUserLicense -UserId a -AddLicence b", "NamedParameterNotFound"),
            ("Update-MgUser -UserId a -M b", "AmbiguousParameter"),
            // Whatever is true or false is a switch, whose value stands behind a colon.
            ("Update-MgUser -UserId a -AccountEnabled $false", "PositionalParameterNotFound"),
            ("New-MgUser -DisplayName a -AccountEnabled $true -MailNickname a", "PositionalParameterNotFound"),
            ("New-MgGroup -DisplayName a -MailEnabled $false -SecurityEnabled", "PositionalParameterNotFound"),
            (
                "Clear-MgDeviceManagementManagedDevice -ManagedDeviceId a -KeepUserData $true",
                "PositionalParameterNotFound"
            ),
            ("Update-MgUser -UserId a -Surname -GivenName b", "MissingArgument"),
        ])
    func foreignParameters(line: String, id: String) throws {
        let error = #expect(throws: MMError.self) { try GraphLine.request(of: line) }
        #expect(error?.details["id"]?.string?.hasPrefix(id) == true, "\(error as Any)")
    }

    @Test("a truth value for a parameter of unknown type is left to the modules: it may be a switch")
    func unknownSwitch() {
        let call = CmdletCall(
            name: "New-MgBetaUser",
            arguments: [.parameter("Foo", nil, text: nil), .value(.bool(true), text: nil)])
        #expect(throws: GraphBinder.Fault.self) { try GraphBinder().bind(call) }
    }

    @Test("whatever a call is given, it becomes a request of its own template or is refused", arguments: 0..<8)
    func anything(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let binder = GraphBinder()
        var bound = 0
        for _ in 0..<400 {
            guard let name = Self.names.randomElement(using: &random) else { continue }
            var arguments: [CmdletCall.Argument] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                if Int.random(in: 0..<5, using: &random) > 0, let name = Self.parameters.randomElement(using: &random) {
                    let isTied = Bool.random(using: &random)
                    arguments.append(.parameter(name, isTied ? Self.value(&random) : nil, text: nil))
                }
                if Bool.random(using: &random) { arguments.append(.value(Self.value(&random), text: nil)) }
            }
            var call = CmdletCall(name: name, arguments: arguments)
            if Int.random(in: 0..<4, using: &random) == 0 { call = call.with(input: Self.value(&random)) }
            guard let request = try? binder.bind(call) else { continue }
            bound += 1
            guard !name.hasPrefix("Invoke-") else { continue }
            #expect(request.path.hasPrefix("/v1.0/") || request.path.hasPrefix("/beta/"))
            // A key can't become a further segment, a query or an option.
            #expect(!request.path.contains("{") && !request.path.contains("?") && !request.path.contains("#"))
            #expect(!request.path.contains("/../") && !request.path.contains("//"))
            if request.method == "GET" || request.method == "DELETE" { #expect(request.body == nil) }
        }
        #expect(bound > 20)
    }

    @Test(
        "a user's own things are asked of the user that is named",
        arguments: [
            ("Get-MgUserAuthenticationMethod -UserId u1", "/v1.0/users/u1/authentication/methods"),
            ("Get-MgUser -UserId 'a b/c'", "/v1.0/users/a%20b%2Fc"),
            ("Get-MgBetaUserManager -UserId u1", "/beta/users/u1/manager"),
        ])
    func paths(line: String, path: String) throws {
        let call = try #require(CmdletCall(line: line))
        #expect(try GraphBinder().bind(call).path == path)
    }

    @Test("scripts may ask which parameters a request has")
    func parameters() throws {
        let known = try #require(GraphBinder().parameters(of: "invoke-mggraphrequest"))
        #expect(known.contains("OutputFilePath") && known.contains("PassThru") && !known.contains("OutFile"))
        #expect(GraphBinder().parameters(of: "New-MgUser") == nil)
    }
}
