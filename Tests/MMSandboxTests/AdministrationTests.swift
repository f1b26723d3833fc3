import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("What administrators look at in the sandbox", .timeLimit(.minutes(5)))
struct AdministrationTests {
    @Test("how users prefer to prove who they are agrees with what they have registered")
    func preferences() async {
        let bench = Bench(users: 60)
        let token = await bench.token()
        let path = "reports/authenticationMethods/userRegistrationDetails"
        let rows = await bench.everyItem("/v1.0/\(path)", token: token)
        #expect(Set(rows.compactMap { $0["defaultMfaMethod"]?.string }) == ["none", "microsoftAuthenticatorPush"])
        for row in rows {
            let preferred = row["userPreferredMethodForSecondaryAuthentication"]
            let methods = row["methodsRegistered"]?.array ?? []
            #expect(row["defaultMfaMethod"] == methods.first ?? "none")
            #expect(row["systemPreferredAuthenticationMethods"]?.array?.count == min(methods.count, 1))
            #expect(preferred?.string == (methods.isEmpty ? "none" : "push"))
            let own = "/beta/users/\(row["id"]?.string ?? "")/authentication/signInPreferences"
            let answer = await bench.graph("GET", own, token: token).json
            #expect(answer["userPreferredMethodForSecondaryAuthentication"] == preferred)
            #expect(answer["@odata.context"]?.string?.hasSuffix("/authentication/signInPreferences/$entity") == true)
        }
    }

    @Test("the health of a service shows its issues, and no others")
    func issues() async {
        let bench = Bench()
        let path = "/v1.0/admin/serviceAnnouncement/healthOverviews/Exchange%20Online?$expand=issues"
        let answer = await bench.graph("GET", path, token: await bench.token())
        let issues = answer.json["issues"]?.array ?? []
        #expect(answer.json["id"] == "Exchange" && !issues.isEmpty, "\(answer.text)")
        #expect(issues.allSatisfy { $0["service"] == "Exchange Online" })
    }

    @Test(
        "the data is of the day on which the tenant started, whatever day that is",
        arguments: [0, 400, 9_000] as [Int64])
    func ofThisDay(days: Int64) async throws {
        let now = 1_767_225_600 + days * 86_400
        let bench = Bench { $0.clock = WallClock { Timestamp(seconds: now) } }
        let token = await bench.token()
        func seconds(_ value: JSONValue?) throws -> Double { try #require(ServiceTime.seconds(value?.string ?? "")) }
        let log = await bench.everyItem("/v1.0/auditLogs/signIns?$top=1000", token: token)
        let times = try log.map { try seconds($0["createdDateTime"]) }
        #expect(try #require(times.first) > Double(now) - 86_400 && times.allSatisfy { $0 <= Double(now) })
        #expect(try #require(times.last) < Double(now) - 25 * 86_400)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 >= $1 })
        for path in [
            "auditLogs/directoryAudits?$top=1", "me/messages?$top=1", "deviceManagement/managedDevices?$top=1",
        ] {
            let row = await bench.graph("GET", "/v1.0/" + path, token: token).json["value"]?[0]
            let time = try seconds(row?["activityDateTime"] ?? row?["receivedDateTime"] ?? row?["lastSyncDateTime"])
            #expect(time <= Double(now) && time > Double(now) - 5 * 86_400, "\(path)")
        }
    }

    @Test("the sign-in log and the activity of users say the same")
    func logAndActivity() async {
        let bench = Bench()
        let token = await bench.token()
        var newest: [String: String] = [:]
        for entry in await bench.everyItem("/v1.0/auditLogs/signIns?$top=1000", token: token) {
            let user = entry["userId"]?.string ?? ""
            newest[user] = newest[user] ?? entry["createdDateTime"]?.string
        }
        #expect(newest.count > 150)
        let users = await bench.everyItem("/v1.0/users?$select=id,accountEnabled,signInActivity&$top=999", token: token)
        for user in users {
            let last = user["signInActivity"]?["lastSignInDateTime"]?.string
            guard let logged = newest[user["id"]?.string ?? ""] else { continue }
            #expect(last == logged)
        }
        let stale = "2025-10-03T00:00:00Z"
        #expect(users.contains { ($0["signInActivity"]?["lastSignInDateTime"]?.string ?? "9") < stale })
    }

    @Test("a search of the audit log finds what it asks for")
    func auditSearch() async throws {
        let bench = Bench()
        let token = await bench.token()
        let path = "/beta/security/auditLog/queries"
        let made = await bench.graph(
            "POST", path, token: token,
            body: [
                "displayName": "downloads", "filterStartDateTime": "2025-12-01T00:00:00",
                "filterEndDateTime": "2026-01-02T00:00:00", "operationFilters": ["fileDownloaded"],
            ])
        #expect(made.status == 201, "\(made.text)")
        let id = try #require(made.json["id"]?.string)
        #expect(await bench.graph("GET", "\(path)/\(id)", token: token).json["status"] == "succeeded")
        let records = await bench.everyItem("\(path)/\(id)/records?$top=20", token: token)
        #expect(records.count > 20)
        #expect(records.allSatisfy { $0["operation"] == "FileDownloaded" && $0["auditData"]?["SiteUrl"] != nil })
        #expect(await bench.graph("GET", "\(path)/none/records", token: token).status == 404)
    }

    @Test("disabled users hold licences, and what is counted is what is held")
    func licences() async {
        let bench = Bench()
        let token = await bench.token()
        let path = "/v1.0/users?$select=id,accountEnabled,assignedLicenses&$top=999"
        let users = await bench.everyItem(path, token: token)
        let wasted = users.filter {
            $0["accountEnabled"] == false && $0["assignedLicenses"]?.array?.isEmpty == false
        }
        #expect(wasted.count > 1 && wasted.count < 15)
        func held(_ users: [JSONValue], _ sku: JSONValue?) -> Int {
            users.filter { $0["assignedLicenses"]?.array?.contains { $0["skuId"] == sku } == true }.count
        }
        let products = await bench.graph("GET", "/v1.0/subscribedSkus", token: token).json["value"]?.array ?? []
        for product in products {
            #expect(product["consumedUnits"]?.int == held(users, product["skuId"]))
            #expect((product["prepaidUnits"]?["enabled"]?.int ?? 0) >= (product["consumedUnits"]?.int ?? 0))
        }
        let id = wasted.first?["id"]?.string ?? ""
        let sku = wasted.first?["assignedLicenses"]?[0]?["skuId"] ?? .null
        _ = await bench.graph(
            "POST", "/v1.0/users/\(id)/assignLicense", token: token, body: ["addLicenses": [], "removeLicenses": [sku]])
        let now = await bench.graph("GET", "/v1.0/subscribedSkus", token: token).json["value"]?.array?.first {
            $0["skuId"] == sku
        }
        #expect(now?["consumedUnits"]?.int == held(users, sku) - 1)
    }

    @Test(
        "everything that the product's own prompts ask for is answered",
        arguments: [
            "auditLogs/signIns?$filter=userPrincipalName eq 'paul.policy@contoso-sandbox.example' and createdDateTime ge "
                + "2025-12-01T00:00:00Z&$select=createdDateTime,appDisplayName,ipAddress,location,clientAppUsed,"
                + "deviceDetail,status,conditionalAccessStatus,appliedConditionalAccessPolicies,riskLevelDuringSignIn"
                + "&$top=50",
            "users/lena.vogt@contoso-sandbox.example?$select=id,accountEnabled,createdDateTime,"
                + "lastPasswordChangeDateTime,signInSessionsValidFromDateTime",
            "users/lena.vogt@contoso-sandbox.example/authentication/methods",
            "identityProtection/riskyUsers?$filter=riskState eq 'atRisk'&$top=20",
            "users/admin@contoso-sandbox.example/memberOf", "users/admin@contoso-sandbox.example/ownedObjects",
            "users/admin@contoso-sandbox.example/directReports", "users/lena.vogt@contoso-sandbox.example/manager",
            "users/admin@contoso-sandbox.example/mailFolders/inbox/messageRules?$select=displayName,isEnabled,"
                + "conditions,actions",
            "users/admin@contoso-sandbox.example/mailboxSettings",
            "admin/serviceAnnouncement/issues?$filter=isResolved eq false&$select=title,service,status,startDateTime",
            "subscribedSkus?$select=skuPartNumber,consumedUnits,prepaidUnits",
            "applications?$select=displayName,appId,passwordCredentials,keyCredentials",
            "identity/conditionalAccess/policies?$select=displayName,state", "directoryRoles?$expand=members",
            "organization?$select=displayName,onPremisesLastSyncDateTime,onPremisesSyncEnabled",
            "deviceManagement/managedDevices?$filter=complianceState eq 'noncompliant'",
            "devices?$filter=isCompliant eq false&$select=displayName,operatingSystem,isCompliant",
            "users/admin@contoso-sandbox.example/registeredDevices",
            "deviceManagement/deviceConfigurations", "deviceManagement/deviceCompliancePolicies",
            "reports/authenticationMethods/userRegistrationDetails?$filter=isMfaRegistered eq false",
            "admin/serviceAnnouncement/healthOverviews",
            "admin/serviceAnnouncement/healthOverviews/Exchange Online", "admin/sharepoint/settings",
        ])
    func prompts(path: String) async {
        let bench = Bench()
        let token = await bench.token()
        let target = "/v1.0/" + path.replacing(" ", with: "%20")
        let answer = await bench.graph("GET", target, token: token)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.json["value"]?.array?.isEmpty != true, "nothing is there")
        let reader = await bench.token("rita.reader@\(TenantIdentity.domain)")
        // A reader of everything sees what administrators see, except other people's mailboxes.
        let isMailbox = path.contains("mailFolders") || path.contains("mailboxSettings")
        #expect(await bench.graph("GET", target, token: reader).status == (isMailbox ? 403 : 200))
        let lena = await bench.token("lena.vogt@\(TenantIdentity.domain)")
        if path.hasPrefix("deviceManagement") || path.hasPrefix("reports") || path.hasPrefix("identity") {
            let refused = await bench.graph("GET", target, token: lena)
            #expect(refused.status == 403 && refused.errorCode == "Authorization_RequestDenied")
            #expect(refused.json["error"]?["innerError"]?["request-id"]?.string == refused.headers["request-id"])
        }
    }

    @Test("the directory's devices are those that are managed, and belong to who uses them")
    func devices() async throws {
        let bench = Bench()
        let token = await bench.token()
        let managed =
            await bench.graph("GET", "/v1.0/deviceManagement/managedDevices?$top=20", token: token)
            .json["value"]?.array ?? []
        #expect(managed.count == 20)
        for row in managed {
            let id = row["azureADDeviceId"]?.string ?? ""
            let path = "/v1.0/devices(deviceId='\(id)')"
            let device = await bench.graph("GET", path, token: token).json
            #expect(device["deviceId"]?.string == id && device["displayName"] == row["deviceName"])
            let object = device["id"]?.string ?? ""
            let owners =
                await bench.graph("GET", "/v1.0/devices/\(object)/registeredOwners", token: token)
                .json["value"]?.array ?? []
            let user = row["userId"]?.string ?? ""
            #expect(owners.map { $0["id"]?.string ?? "" } == (user.isEmpty ? [] : [user]))
            if !user.isEmpty {
                let theirs =
                    await bench.graph("GET", "/v1.0/users/\(user)/registeredDevices", token: token)
                    .json["value"]?.array ?? []
                #expect(theirs.contains { $0["id"]?.string == object })
            }
        }
        let id = await bench.graph("GET", "/v1.0/devices?$top=1", token: token).json["value"]?[0]?["id"]?.string ?? ""
        let path = "/v1.0/devices/\(id)"
        // Only who signed in with all of their own rights may change a device.
        #expect(await bench.graph("PATCH", path, token: token, body: ["accountEnabled": false]).status == 403)
        #expect(await bench.graph("GET", path, token: token).json["id"]?.string == id)
    }

    @Test("inbox rules of Graph are those of the cmdlets, and can be written")
    func messageRules() async throws {
        let bench = Bench()
        let token = await bench.token()
        let path = "/v1.0/me/mailFolders/inbox/messageRules"
        let mailbox = try #require(await bench.inside { $0.exchange.organization.mailboxes.mailbox(0) })
        let rules = await bench.graph("GET", path, token: token).json["value"]?.array ?? []
        let shown = await bench.inside { $0.exchange.organization.inboxRules(of: mailbox) }
        #expect(rules.compactMap { $0["displayName"] } == shown.compactMap { $0["Name"] })
        let made = await bench.graph(
            "POST", path, token: token,
            body: [
                "displayName": "Out", "sequence": 2, "isEnabled": true, "conditions": ["subjectContains": ["bill"]],
                "actions": [
                    "forwardTo": [["emailAddress": ["address": "x@fabrikam.example"]]], "stopProcessingRules": true,
                ],
            ])
        #expect(made.status == 201)
        let id = try #require(made.json["id"]?.string)
        let last = await bench.inside {
            $0.exchange.organization.inboxRules(of: mailbox).last.map(ExchangeOrganization.shownRule)
        }
        #expect(last?["ForwardTo"] == ["\"x@fabrikam.example\" [SMTP:x@fabrikam.example]"])
        #expect(last?["Description"]?.string?.contains("forward the message to") == true)
        let changed = await bench.graph("PATCH", "\(path)/\(id)", token: token, body: ["isEnabled": false])
        #expect(changed.json["isEnabled"] == false && changed.json["conditions"]?["subjectContains"] == ["bill"])
        let read = await bench.graph("GET", "\(path)/\(id)", token: token).json
        #expect(read["actions"]?["forwardTo"]?[0]?["emailAddress"]?["address"] == "x@fabrikam.example")
        #expect(await bench.graph("POST", path, token: token, body: ["sequence": 1]).status == 400)
        #expect(await bench.graph("DELETE", "\(path)/\(id)", token: token).status == 204)
        let gone = await bench.graph("DELETE", "\(path)/\(id)", token: token)
        #expect(gone.status == 404 && gone.errorCode == "ErrorItemNotFound")
    }

    @Test("an invitation makes a guest, once")
    func invitations() async throws {
        let bench = Bench()
        let token = await bench.token()
        let body: JSONValue = [
            "invitedUserEmailAddress": "kim@fabrikam.example", "inviteRedirectUrl": "https://myapps.microsoft.com",
        ]
        let made = await bench.graph("POST", "/v1.0/invitations", token: token, body: body)
        #expect(made.status == 201 && made.json["status"] == "PendingAcceptance")
        let id = try #require(made.json["invitedUser"]?["id"]?.string)
        let guest = await bench.graph("GET", "/v1.0/users/\(id)?$select=userType,mail,externalUserState", token: token)
            .json
        #expect(guest["userType"] == "Guest" && guest["externalUserState"] == "PendingAcceptance")
        let again = await bench.graph("POST", "/v1.0/invitations", token: token, body: body)
        #expect(again.json["invitedUser"]?["id"]?.string == id)
        for wrong: JSONValue in [
            ["inviteRedirectUrl": "https://x.example"], ["invitedUserEmailAddress": "kim@fabrikam.example"],
            ["invitedUserEmailAddress": "a@contoso-sandbox.example", "inviteRedirectUrl": "https://x.example"],
        ] { #expect(await bench.graph("POST", "/v1.0/invitations", token: token, body: wrong).status == 400) }
        let reader = await bench.token("rita.reader@\(TenantIdentity.domain)")
        #expect(await bench.graph("POST", "/v1.0/invitations", token: reader, body: body).status == 403)
    }

    @Test("a report is a redirect to a file that needs no sign-in of its own", arguments: UsageReport.all.map(\.name))
    func reports(name: String) async throws {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.graph("GET", "/v1.0/reports/\(name)(period='D30')", token: token)
        #expect(answer.status == 302)
        let address = try #require(answer.headers["Location"]).dropFirst(Bench.base.count)
        let file = await bench.send("GET", String(address))
        let lines = file.text.split(separator: "\r\n").map(String.init)
        #expect(lines.first?.hasPrefix("\u{FEFF}Report Refresh Date,") == true)
        // There are fewer groups and teams than people, and a line for each day of the period.
        let report = try #require(UsageReport.all.first { $0.name == name })
        #expect(lines[1].hasPrefix("2025-12-30,"))
        #expect(report.isOfDays ? lines.count == 31 : lines.count > (report.isOfGroups ? 3 : 250))
        let columns = lines[0].split(separator: ",").count
        #expect(
            lines.filter { !$0.contains("\"") }.allSatisfy {
                $0.split(separator: ",", omittingEmptySubsequences: false).count == columns
            })
        #expect(await bench.send("GET", String(address).replacing("D30", with: "D90")).status == 403)
        #expect(await bench.graph("GET", "/v1.0/reports/\(name)(period='D5')", token: token).status == 400)
        #expect(await bench.graph("GET", "/v1.0/reports/\(name)", token: token).status == 400)
        let lena = await bench.token("lena.vogt@\(TenantIdentity.domain)")
        #expect(await bench.graph("GET", "/v1.0/reports/\(name)(period='D30')", token: lena).status == 403)
    }

    @Test(
        "a report that only the real service has is told from one that does not exist",
        arguments: [
            ("getMailboxUsageQuotaStatusMailboxCounts", "NotServedBySandbox"),
            ("getOffice365GroupsActivityStorage", "NotServedBySandbox"), ("getNothing", "BadRequest"),
        ])
    func unservedReport(name: String, code: String) async {
        let bench = Bench()
        let answer = await bench.graph(
            "GET", "/v1.0/reports/\(name)(period='D7')", token: await bench.token())
        #expect(answer.status == 400)
        #expect(answer.json["error"]?["code"]?.string == code, "\(answer.json)")
    }

    @Test("files are shared outside, the permissions say with whom, and new links stay")
    func sharing() async throws {
        let bench = Bench()
        let token = await bench.token()
        var scopes: Set<String> = []
        for site in await bench.everyItem("/v1.0/sites?search=*", token: token) {
            let drive =
                await bench.graph("GET", "/v1.0/sites/\(site["id"]?.string ?? "")/drive", token: token).json["id"]?
                .string
                ?? ""
            for item in await bench.inside({ $0.store.table(.driveItems(drive)).all }) {
                guard let scope = item["shared"]?["scope"]?.string else { continue }
                scopes.insert(scope)
                let path = "/v1.0/drives/\(drive)/items/\(item.id)/permissions"
                let rows = await bench.graph("GET", path, token: token).json["value"]?.array ?? []
                #expect(
                    rows.contains {
                        $0["link"]?["scope"]?.string == scope || scope == "users" && $0["invitation"] != nil
                    })
            }
        }
        #expect(scopes == ["anonymous", "users", "organization"])
        let items = await bench.graph("GET", "/v1.0/me/drive/root/children", token: token).json["value"]?.array ?? []
        let path = "/v1.0/me/drive/items/\(try #require(items.first?["id"]?.string))"
        let body: JSONValue = ["type": "view", "scope": "anonymous"]
        let made = await bench.graph("POST", "\(path)/createLink", token: token, body: body)
        #expect(made.status == 201)
        #expect(await bench.graph("POST", "\(path)/createLink", token: token, body: body).status == 200)
        let invited = await bench.graph(
            "POST", "\(path)/invite", token: token,
            body: ["recipients": [["email": "kim@fabrikam.example"]], "roles": ["read"]])
        #expect(invited.json["value"]?[0]?["grantedToV2"]?["user"]?["email"] == "kim@fabrikam.example")
        let rows = await bench.graph("GET", "\(path)/permissions", token: token).json["value"]?.array ?? []
        #expect(rows.count == 3)
        let link = try #require(made.json["id"]?.string)
        #expect(await bench.graph("DELETE", "\(path)/permissions/\(link)", token: token).status == 204)
        #expect(await bench.graph("GET", "\(path)/permissions", token: token).json["value"]?.array?.count == 2)
    }

    @Test("an object that has the name of a customer's tenant is looked for in the tenant of the caller")
    func customersDomain() async {
        let bench = Bench { $0.customerCount = 1 }
        let token = await bench.token()
        for (domain, status) in [(SandboxOrganization.customer(1).domain, 404), (TenantIdentity.domain, 200)] {
            #expect(await bench.graph("GET", "/v1.0/domains/\(domain)", token: token).status == status, "\(domain)")
        }
    }

    @Test("the tokens that a partner gets for a customer name the customer's tenant, and whence the person is")
    func customersTokens() async {
        let bench = Bench { $0.customerCount = 1 }
        let customer = SandboxOrganization.customer(1)
        let answer = await bench.post(
            "/\(customer.domain)/oauth2/v2.0/token",
            [
                ("grant_type", "refresh_token"), ("client_id", TenantIdentity.demoApp), ("scope", Bench.everything),
                ("refresh_token", await bench.signIn()["refresh_token"]?.string ?? ""),
            ])
        for (token, version) in [("id_token", "v2.0"), ("access_token", "")] {
            let claims = claims(of: answer.json[token])
            #expect(claims["tid"]?.string == customer.id, "\(token)")
            #expect(claims["iss"]?.string == "\(Bench.base)/\(customer.id)/\(version)", "\(token)")
            #expect(claims["idp"]?.string == "\(Bench.base)/\(TenantIdentity.id)/", "\(token)")
        }
    }

    @Test("a customer's faults apply to the tokens that a partner requests there, and to no other customer's")
    func customersFaults() async {
        let bench = Bench { $0.customerCount = 2 }
        let refresh = await bench.signIn()["refresh_token"]?.string ?? ""
        _ = await bench.control(
            "POST", "faults?tenant=\(SandboxOrganization.customer(1).domain)",
            ["kind": "tokenError", "number": 50_057, "count": 1])
        for (number, status) in [(1, 400), (2, 200), (1, 200)] {
            let answer = await bench.post(
                "/\(SandboxOrganization.customer(number).id)/oauth2/v2.0/token",
                [
                    ("grant_type", "refresh_token"), ("client_id", TenantIdentity.demoApp),
                    ("scope", Bench.everything), ("refresh_token", refresh),
                ])
            #expect(answer.status == status, "\(number): \(answer.json)")
        }
    }

    @Test("the customers of a partner come in pages, and a link that no page gave starts again")
    func partners() async {
        let bench = Bench { $0.customerCount = 60 }
        let token = await bench.token()
        let path = "/v1.0/tenantRelationships/delegatedAdminCustomers"
        let rows = await bench.everyItem(path, token: token)
        #expect(Set(rows.compactMap { $0["id"]?.string }).count == 63)
        let first = await bench.graph("GET", "\(path)?$skiptoken=-1", token: token).json
        #expect(first["value"]?[0]?["id"] == rows.first?["id"])
    }
}
