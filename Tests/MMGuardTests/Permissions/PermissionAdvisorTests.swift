import MMCore
import MMGuard
import Testing

@Suite("Advice on refused requests", .timeLimit(.minutes(5)))
struct PermissionAdvisorTests {
    private static let app = "11111111-2222-4333-8444-555555555555"
    private static let reportsReader = "4a5d8f65-41da-4de4-8968-e035b65339cf"

    private func place(_ login: String = "https://login.microsoftonline.com", app: String? = Self.app) -> ConsentPlace {
        ConsentPlace(
            connection: "Contoso", login: login, graph: "https://graph.microsoft.com", tenant: "contoso.com", appID: app
        )
    }

    private func person(_ permissions: String..., roles: [String]? = []) -> TokenRights {
        TokenRights(
            kind: .work, permissions: Set(permissions), roleIDs: roles.map(Set.init), account: "ann@contoso.com")
    }

    private func advice(
        _ method: String, _ path: String, _ rights: TokenRights?, code: String = "Authorization_RequestDenied",
        message: String = "Insufficient privileges to complete the operation.", status: Int = 403,
        place: ConsentPlace? = nil
    ) throws -> PermissionAdvice? {
        PermissionAdvisor(rights: rights, place: place ?? self.place()).advice(
            on: Refusal(
                service: .graph, method: method, target: try RequestTarget(parsing: path, service: .graph),
                status: status,
                code: code, message: message, isRead: method == "GET"))
    }

    @Test("a delegated permission that isn't in the token is named with the link that grants exactly it")
    func delegated() throws {
        let found = try #require(try advice("GET", "/auditLogs/signIns", person("User.Read")))
        #expect(found.reason == .permission)
        #expect(found.details["missing"] == ["AuditLog.Read.All"])
        #expect(
            found.details["consent"]?.string
                == "https://login.microsoftonline.com/contoso.com/v2.0/adminconsent?client_id=\(Self.app)"
                + "&scope=https://graph.microsoft.com/AuditLog.Read.All&redirect_uri=http://localhost")
        #expect(found.hint.contains("mm login Contoso --renew"))
        // A person who may adds it with one command.
        #expect(found.details["connect"] == "mm connect --name Contoso --scope AuditLog.Read.All")
        #expect(found.hint.contains("Add it: mm connect --name Contoso --scope AuditLog.Read.All;"))
    }

    @Test("the command for a new token names a connection with spaces as one word, and so does that for an app")
    func renewal() throws {
        let place = ConsentPlace(
            connection: "Contoso:Customer 2", login: "", graph: "", tenant: "contoso.com", appID: nil)
        #expect(place.renewal == "mm login 'Contoso:Customer 2' --renew")
        let rights = TokenRights(kind: .application, permissions: ["User.Read.All"])
        let found = try advice("POST", "/users/1/sendMail", rights, place: place)
        #expect(found?.hint.contains("mm connections edit 'Contoso:Customer 2' appId=") == true, "\(found?.hint ?? "")")
    }

    @Test("an application permission is granted by a command with its id")
    func application() throws {
        let rights = TokenRights(kind: .application, permissions: ["User.Read.All"])
        let found = try #require(try advice("POST", "/users/1/sendMail", rights))
        #expect(found.reason == .permission)
        #expect(found.details["missing"] == ["Mail.Send"])
        let command = try #require(found.details["command"]?.string)
        #expect(command.contains("b633e1c5-b582-4048-a93e-9f11b44c7e96=Role"))
        #expect(found.hint.contains("az ad app permission add"))
    }

    @Test("an app of Microsoft's gets no consent link")
    func withoutApp() throws {
        let found = try #require(try advice("GET", "/auditLogs/signIns", person(), place: place(app: nil)))
        #expect(found.details["consent"] == nil)
        #expect(found.hint.contains("mm connect --name Contoso --scope AuditLog.Read.All --app own"))
    }

    @Test("with the permission there, the role with the fewest rights is the reason")
    func role() throws {
        let found = try #require(try advice("GET", "/auditLogs/signIns", person("AuditLog.Read.All")))
        #expect(found.reason == .directoryRole)
        #expect(found.details["role"] == "Reports Reader")
        #expect(found.details["roleTemplateId"]?.string == Self.reportsReader)
        #expect(found.wantedRoles.first?.id == Self.reportsReader)
        #expect(found.hint.hasSuffix("Then: mm login Contoso --renew."))
    }

    @Test("a partner's account gets a role at a customer by their relationship, and by no other sign-in")
    func partner() throws {
        let place = ConsentPlace(
            connection: "Partner:Fabrikam", login: "", graph: "", tenant: "fabrikam.com", appID: Self.app,
            partner: "Partner")
        let found = try #require(try advice("GET", "/auditLogs/signIns", person("AuditLog.Read.All"), place: place))
        #expect(found.reason == .directoryRole)
        #expect(found.hint.contains("The relationship by which Partner administers this customer must contain"))
        #expect(!found.hint.contains("mm login"))
    }

    @Test("a role that the account may take up is named for activation")
    func eligible() throws {
        let found = try #require(try advice("GET", "/auditLogs/signIns", person("AuditLog.Read.All")))
        let reader = "5d6b6bb7-de71-4623-b4af-96380a352509"
        let active = found.activating([reader], at: place())
        #expect(active.reason == .inactiveRole)
        #expect(active.details["role"] == "Security Reader")
        #expect(active.hint.contains("Activate the role Security Reader"))
        #expect(found.activating(["fe930be7-5e62-47db-91af-98c3a49a38b1"], at: place()).reason == .directoryRole)
    }

    @Test("with permission and role there, it lies with the object")
    func object() throws {
        let rights = person("User.ReadWrite.All", roles: ["fe930be7-5e62-47db-91af-98c3a49a38b1"])
        let found = try #require(try advice("PATCH", "/users/1", rights))
        #expect(found.reason == .object)
        #expect(found.hint.contains("User Administrator"))
    }

    @Test("another's mailbox is a matter of access, for an app of a policy")
    func mailbox() throws {
        let path = "/users/1/messages"
        #expect(try advice("GET", path, person("Mail.Read"), code: "ErrorAccessDenied")?.reason == .access)
        let app = TokenRights(kind: .application, permissions: ["Mail.Read"])
        let found = try #require(try advice("GET", path, app, code: "ErrorAccessDenied"))
        #expect(found.reason == .object)
        #expect(found.hint.contains("Test-ApplicationAccessPolicy"))
    }

    @Test("a call that isn't open to apps says how it can be made")
    func kind() throws {
        let found = try #require(
            try advice("GET", "/me", TokenRights(kind: .application, permissions: ["User.Read.All"])))
        #expect(found.reason == .signInKind)
        #expect(found.hint.contains("as a person"))
    }

    @Test("what no table knows is said to be unknown, and a refused token says nothing of permissions")
    func unknown() throws {
        #expect(try advice("GET", "/nothing/known/here", person("User.Read"))?.reason == .unknown)
        #expect(
            try advice(
                "GET", "/users", person(), code: "InvalidAuthenticationToken",
                message: "Lifetime validation failed, the token is expired.", status: 401) == nil)
    }

    @Test("a claims challenge is Conditional Access, and asks for no permission")
    func challenge() throws {
        let found = try advice(
            "GET", "/me", person(), code: "InvalidAuthenticationToken",
            message:
                "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
            status: 401)
        #expect(found?.reason == .conditionalAccess)
    }

    @Test("a missing licence comes before all else")
    func licence() throws {
        let found = try advice(
            "GET", "/auditLogs/signIns", person(), code: "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            message: "Neither tenant is B2C or tenant doesn't have premium license")
        #expect(found?.reason == .licence)
        let mailbox = Refusal(service: .graph, status: 404, code: "MailboxNotEnabledForRESTAPI")
        #expect(PermissionAdvisor.concerns(mailbox))
        #expect(!PermissionAdvisor.concerns(Refusal(service: .graph, status: 404, code: "itemNotFound")))
    }

    @Test(
        "Azure's answer is taken apart",
        arguments: [
            (
                "The client 'ann@contoso.com' with object id 'aaaa' does not have authorization to perform action "
                    + "'Microsoft.Compute/virtualMachines/start/action' over scope '/subscriptions/1/resourceGroups/g' or the "
                    + "scope is invalid.",
                "Microsoft.Compute/virtualMachines/start/action", "/subscriptions/1/resourceGroups/g",
                "Virtual Machine Contributor"
            ),
            (
                "The client with object id 'aaaa' has permission to perform action 'Microsoft.Web/sites/write' on scope "
                    + "'/subscriptions/1'; however, it does not have permission to perform action(s) "
                    + "'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/subscriptions/2/vnet'.",
                "Microsoft.Network/virtualNetworks/subnets/join/action", "/subscriptions/2/vnet", "Network Contributor"
            ),
        ])
    func azure(message: String, action: String, scope: String, role: String) throws {
        let advisor = PermissionAdvisor(rights: nil, place: place())
        let found = try #require(
            advisor.advice(on: Refusal(service: .arm, status: 403, code: "AuthorizationFailed", message: message)))
        #expect(found.reason == .azureRole)
        #expect(found.details["action"]?.string == action)
        #expect(found.details["scope"]?.string == scope)
        #expect(
            found.details["command"]?.string
                == "az role assignment create --assignee aaaa --role \"\(role)\" --scope \(scope)")
    }

    @Test("what Azure's answer would slip into a command is not taken over")
    func hostileAnswer() {
        let message =
            "The client with object id 'a; rm -rf ~' does not have authorization to perform action 'X/read' over scope "
            + "'$(touch x)' or the scope is invalid."
        let found = PermissionAdvisor(rights: nil, place: place()).advice(
            on: Refusal(service: .arm, status: 403, code: "AuthorizationFailed", message: message))
        #expect(
            found?.details["command"]?.string
                == "az role assignment create --assignee OBJECT-ID --role \"Reader\" --scope SCOPE")
    }

    @Test("Exchange wants its own permission first, then a role")
    func exchange() throws {
        func advice(_ rights: TokenRights) -> PermissionAdvice? {
            PermissionAdvisor(rights: rights, place: place()).advice(
                on: Refusal(service: .exchange, cmdlet: "Set-Mailbox", status: 403, isRead: false))
        }
        let app = try #require(advice(TokenRights(kind: .application, permissions: [])))
        #expect(app.details["missing"] == ["Exchange.ManageAsApp"])
        let person = try #require(advice(person("Exchange.Manage")))
        #expect(person.reason == .exchangeRole)
        #expect(person.hint.contains("Add-RoleGroupMember \"Recipient Management\" -Member ann@contoso.com"))
    }

    @Test("the claims of a token are read as what they are")
    func claims() {
        let person = TokenRights(claims: [
            "scp": "Mail.Read User.Read openid profile", "wids": [.string(Self.reportsReader.uppercased())],
            "upn": "a@b.c",
        ])
        #expect(person.kind == .work)
        #expect(person.permissions == ["Mail.Read", "User.Read"])
        #expect(person.roles(in: .standard).map(\.name) == ["Reports Reader"])
        let app = TokenRights(claims: ["idtyp": "app", "roles": ["Mail.Send"]])
        #expect(app.kind == .application)
        #expect(app.permissions == ["Mail.Send"])
        #expect(!app.knowsRoles)
        #expect(TokenRights(claims: ["scp": "x", "tid": "9188040d-6c67-4c5b-b112-36a304b66dad"]).kind == .personal)
    }

    @Test("the smallest list of permissions leaves out what others open too")
    func plan() throws {
        let calls = try [("GET", "/users"), ("PATCH", "/users/1"), ("GET", "/auditLogs/signIns")].compactMap {
            PermissionTable.standard.permissions($0.0, try RequestTarget(parsing: $0.1, service: .graph))
        }
        #expect(calls.count == 3)
        let plan = PermissionPlan(for: calls, as: .application)
        for call in calls {
            #expect(call.satisfied(by: Set(plan.permissions.map(\.name)), for: .application) != nil)
        }
        #expect(!plan.permissions.contains { $0.name == "User.ReadBasic.All" })
        #expect(plan.permissions.count == 2)
    }
}
