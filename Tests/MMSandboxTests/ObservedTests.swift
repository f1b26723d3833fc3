import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("What is only looked at", .timeLimit(.minutes(10)))
struct ObservedTests {
    @Test(
        "a read that the search names is served, with rows that have what was asked for",
        arguments: [
            ("/security/secureScores?$top=1", "currentScore"), ("/security/secureScoreControlProfiles", "title"),
            ("/security/alerts_v2", "severity"), ("/security/incidents", "severity"),
            ("/security/cases/ediscoveryCases", "displayName"), ("/identityProtection/riskDetections", "riskLevel"),
            ("/informationProtection/bitlocker/recoveryKeys", "deviceId"),
            ("/directory/deviceLocalCredentials", "deviceName"),
            ("/deviceManagement/windowsAutopilotDeviceIdentities", "serialNumber"),
            ("/deviceManagement/detectedApps", "displayName"), ("/deviceAppManagement/mobileApps", "displayName"),
            ("/admin/serviceAnnouncement/messages", "title"), ("/places/graph.room", "emailAddress"),
            ("/places/microsoft.graph.room?$select=displayName", "displayName"),
            ("/identityGovernance/accessReviews/definitions", "displayName"),
            ("/identityGovernance/entitlementManagement/accessPackages", "displayName"),
            ("/directory/administrativeUnits", "displayName"), ("/groupLifecyclePolicies", "groupLifetimeInDays"),
            ("/print/printers", "displayName"), ("/me/todo/lists", "displayName"),
            ("/roleManagement/directory/roleAssignments?$expand=principal", "principal"),
            ("/roleManagement/directory/roleAssignments?$expand=roleDefinition", "roleDefinition"),
            ("/deviceManagement/deviceConfigurations/x/deviceStatuses", "status"),
            ("/deviceManagement/deviceCompliancePolicies/x/deviceStatuses?$top=1", "deviceDisplayName"),
            ("/identity/conditionalAccess/policies", "conditions"),
            ("/groups?$filter=resourceProvisioningOptions/Any(x:x%20eq%20'Team')", "displayName"),
        ])
    func served(path: String, member: String) async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.graph("GET", "/v1.0" + path, token: token)
        #expect(answer.status == 200, "\(path): \(answer.json)")
        #expect(answer.json["value"]?[0]?[member] != nil, "\(path): \(answer.json)")
    }

    @Test("a policy of conditional access tells all kinds of people and apps, also those of which it names none")
    func wholeConditions() async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.graph("GET", "/v1.0/identity/conditionalAccess/policies", token: token)
        for policy in answer.json["value"]?.array ?? [] {
            #expect(policy["conditions"]?["users"]?["includeGroups"]?.array?.isEmpty == true)
            #expect(policy["conditions"]?["applications"]?["excludeApplications"]?.array?.isEmpty == true)
            #expect(policy["conditions"]?["userRiskLevels"]?.array?.isEmpty == true)
        }
        #expect(answer.json["value"]?.array?.isEmpty == false)
    }

    @Test("the installations of an app are told by beta alone")
    func installations() async {
        let bench = Bench()
        let token = await bench.token()
        let apps = await bench.graph("GET", "/beta/deviceAppManagement/mobileApps", token: token)
        let path = "/deviceAppManagement/mobileApps/\(apps.json["value"]?[0]?["id"]?.string ?? "")/deviceStatuses"
        let states = await bench.graph("GET", "/beta" + path, token: token)
        #expect(states.json["value"]?[0]?["installState"] == "installed", "\(states.json)")
        #expect(await bench.graph("GET", "/v1.0" + path, token: token).status == 400)
    }

    @Test(
        "a list of settings that the tenant has none of is empty, and nothing else is",
        arguments: [
            ("/beta/deviceManagement/assignmentFilters", 200), ("/v1.0/deviceManagement/termsAndConditions", 200),
            ("/beta/deviceManagement/deviceManagementScripts?$select=displayName", 200),
            ("/v1.0/deviceManagement/deviceCategories?$filter=displayName%20eq%20'x'", 200),
            ("/v1.0/policies/tokenLifetimePolicies", 200), ("/beta/deviceAppManagement/vppTokens/$count", 200),
            // Beta alone has them; the tenant has devices; no such list; one that isn't there.
            ("/v1.0/deviceManagement/assignmentFilters", 400), ("/beta/deviceManagement/comanagedDevices", 400),
            ("/v1.0/deviceManagement/inventedThings", 400),
            ("/v1.0/deviceAppManagement/mobileApps/00000000-0000-0000-0000-000000000001", 404),
            ("/v1.0/deviceManagement/termsAndConditions/00000000-0000-0000-0000-000000000001", 404),
        ])
    func empty(path: String, status: Int) async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.graph("GET", path, token: token)
        #expect(answer.status == status, "\(path): \(answer.json)")
        if status == 200, !path.hasSuffix("$count") { #expect(answer.json["value"]?.array?.isEmpty == true) }
    }

    @Test(
        "what belongs to an object is an empty list below it and expanded alike, if the tenant has nothing of the kind",
        arguments: [
            ("/beta/deviceManagement/deviceHealthScripts", "assignments", true),
            ("/v1.0/deviceManagement/managedDevices", "deviceConfigurationStates", true),
            ("/v1.0/groups", "transitiveMemberOf", true), ("/v1.0/devices", "memberOf", true),
            // Beta alone has them; the tenant has none of its own making; no such relationship.
            ("/v1.0/deviceManagement/managedDevices", "detectedApps", false),
            ("/v1.0/deviceManagement/managedDevices", "inventedThings", false),
        ])
    func below(path: String, name: String, isKnown: Bool) async {
        let bench = Bench()
        let token = await bench.token()
        let row = await bench.graph("GET", path, token: token).json["value"]?[0]?["id"]?.string ?? ""
        let below = await bench.graph("GET", "\(path)/\(row)/\(name)", token: token)
        let expanded = await bench.graph("GET", "\(path)/\(row)?$expand=\(name)", token: token)
        #expect(
            below.status == (isKnown ? 200 : 400) && expanded.status == below.status, "\(below.json) \(expanded.json)")
        if isKnown {
            #expect(below.json["value"]?.array?.isEmpty == true)
            #expect(expanded.json[name]?.array?.isEmpty == true)
        }
        let nobody = "\(path)/00000000-0000-0000-0000-000000000001/\(name)"
        if isKnown { #expect(await bench.graph("GET", nobody, token: token).status == 404) }
    }

    @Test("the apps on a device are below it and expanded alike, and as many devices have one as it says")
    func detectedApps() async {
        let bench = Bench()
        let token = await bench.token()
        let path = "/beta/deviceManagement"
        let app = await bench.graph("GET", "\(path)/detectedApps", token: token).json["value"]?[0]
        var count = 0
        for device in await bench.graph("GET", "\(path)/managedDevices", token: token).json["value"]?.array ?? [] {
            let own = "\(path)/managedDevices/\(device["id"]?.string ?? "")"
            let below = await bench.graph("GET", "\(own)/detectedApps", token: token).json["value"]
            #expect(await bench.graph("GET", "\(own)?$expand=detectedApps", token: token).json["detectedApps"] == below)
            if below?.array?.contains(where: { $0["id"] == app?["id"] }) == true { count += 1 }
        }
        #expect(count > 0 && count == app?["deviceCount"]?.int)
    }

    @Test("a role's definition is found by its id")
    func roleDefinition() async {
        let bench = Bench()
        let token = await bench.token()
        let path = "/v1.0/roleManagement/directory/roleDefinitions"
        let role = await bench.graph("GET", path, token: token).json["value"]?[0]
        let found = await bench.graph("GET", "\(path)/\(role?["id"]?.string ?? "")", token: token)
        #expect(found.status == 200 && found.json["displayName"] == role?["displayName"])
        let missing = await bench.graph("GET", "\(path)/00000000-0000-0000-0000-000000000001", token: token)
        #expect(missing.status == 404)
    }

    @Test(
        "a filter asks for a type, in operators of any case",
        arguments: [
            ("isof('microsoft.graph.win32LobApp')", 1), ("IsOf(microsoft.graph.win32LobApp)", 1),
            ("isof('microsoft.graph.win32LobApp') OR isof('microsoft.graph.iosStoreApp')", 2),
            ("NOT (isof('microsoft.graph.win32LobApp')) AND publishingState EQ 'published'", 2),
            (
                "isof('microsoft.graph.win32LobApp') and "
                    + "microsoft.graph.managedApp/appAvailability eq microsoft.graph.managedAppAvailability'lineOfBusiness'",
                0
            ),
        ])
    func types(filter: String, count: Int) async {
        let bench = Bench()
        let token = await bench.token()
        let query = PercentCoding.encode(filter, isPlain: PercentCoding.isSegmentByte)
        let answer = await bench.graph("GET", "/v1.0/deviceAppManagement/mobileApps?$filter=\(query)", token: token)
        #expect(answer.json["value"]?.array?.count == count, "\(answer.json)")
    }

    @Test("an app says to whom it is assigned, below it and expanded alike")
    func assigned() async {
        let bench = Bench()
        let token = await bench.token()
        let path = "/beta/deviceAppManagement/mobileApps"
        let apps = await bench.graph("GET", path, token: token).json["value"]?.array ?? []
        #expect(apps.allSatisfy { $0["isAssigned"] == true })
        for app in apps {
            let own = "\(path)/\(app["id"]?.string ?? "")"
            let below = await bench.graph("GET", own + "/assignments", token: token).json["value"]
            #expect(below?.array?.count == 1)
            #expect(await bench.graph("GET", own + "?$expand=assignments", token: token).json["assignments"] == below)
        }
        let former = await bench.graph("GET", "/v1.0/deviceAppManagement/mobileApps", token: token)
        #expect(former.json["value"]?[0]?["isAssigned"] == nil)
    }

    @Test("settings of a policy come with their definitions")
    func definitions() async {
        let bench = Bench()
        let token = await bench.token()
        let path = "/beta/deviceManagement/configurationPolicies"
        let policy = await bench.graph("GET", path, token: token).json["value"]?[0]?["id"]?.string ?? ""
        let settings = await bench.graph("GET", "\(path)/\(policy)/settings?$expand=settingDefinitions", token: token)
        for setting in settings.json["value"]?.array ?? [] {
            #expect(setting["settingDefinitions"]?[0]?["id"] == setting["settingInstance"]?["settingDefinitionId"])
        }
        #expect(settings.json["value"]?.array?.isEmpty == false, "\(settings.json)")
    }

    @Test("an enterprise application has its tag, its consents, and a number of owners")
    func principals() async {
        let bench = Bench()
        let token = await bench.token()
        let all = await bench.graph("GET", "/v1.0/servicePrincipals?$top=100", token: token).json["value"]?.array ?? []
        let own = all.filter { $0["appOwnerOrganizationId"]?.string == TenantIdentity.id }
        #expect(
            !own.isEmpty
                && own.allSatisfy { $0["tags"]?.array?.contains("WindowsAzureActiveDirectoryIntegratedApp") == true })
        let grants = await bench.graph("GET", "/v1.0/oauth2PermissionGrants", token: token).json["value"]?.array ?? []
        let client = grants.first?["clientId"]?.string ?? ""
        let below = await bench.graph("GET", "/v1.0/servicePrincipals/\(client)/oauth2PermissionGrants", token: token)
        #expect(below.json["value"]?.array == grants.filter { $0["clientId"]?.string == client })
        for (filter, isOwned) in [("eq", false), ("ne", true)] {
            let found = await bench.graph(
                "GET", "/v1.0/applications?$count=true&$filter=Owners/$count%20\(filter)%200", token: token,
                headers: ["ConsistencyLevel": "eventual"])
            for app in found.json["value"]?.array ?? [] {
                let owners = await bench.graph(
                    "GET", "/v1.0/applications/\(app["id"]?.string ?? "")/owners", token: token)
                #expect(owners.json["value"]?.array?.isEmpty == !isOwned)
            }
            #expect(found.status == 200, "\(found.json)")
        }
    }

    @Test("keys and passwords are given out one at a time")
    func secrets() async {
        let bench = Bench()
        let token = await bench.token()
        for (path, member) in [
            ("/v1.0/informationProtection/bitlocker/recoveryKeys", "key"),
            ("/v1.0/directory/deviceLocalCredentials", "credentials"),
        ] {
            let list = await bench.graph("GET", path, token: token).json["value"]
            #expect(list?[0]?[member]?.isNull ?? true)
            let id = list?[0]?["id"]?.string ?? ""
            let one = await bench.graph("GET", "\(path)/\(id)?$select=\(member)", token: token).json
            #expect(one[member]?.isNull == false, "\(one)")
        }
    }

    @Test("free and busy times are those of the calendar")
    func schedule() async {
        let bench = Bench()
        let token = await bench.token()
        let body: JSONValue = [
            "schedules": ["lena.vogt@contoso-sandbox.example", "nobody@contoso-sandbox.example"],
            "startTime": ["dateTime": "2026-01-05T00:00:00", "timeZone": "UTC"],
            "endTime": ["dateTime": "2026-01-10T00:00:00", "timeZone": "UTC"], "availabilityViewInterval": 60,
        ]
        let answer = await bench.graph("POST", "/v1.0/me/calendar/getSchedule", token: token, body: body)
        #expect(answer.status == 200, "\(answer.json)")
        #expect(answer.json["value"]?[0]?["availabilityView"]?.string?.count == 120)
        #expect(answer.json["value"]?[1]?["error"] != nil)
    }

    @Test("what Graph has and the sandbox doesn't is said, and a slip is none of it")
    func honest() async {
        let bench = Bench()
        let token = await bench.token()
        let unserved = await bench.graph("GET", "/v1.0/solutions/bookingBusinesses", token: token)
        #expect(unserved.status == 400)
        #expect(
            unserved.json["error"]?["message"]?.string?.contains("the real service does") == true, "\(unserved.json)")
        // Other objects have an action of the second name, users don't.
        let user = "/v1.0/users/lena.vogt@contoso-sandbox.example"
        for (method, path) in [("GET", "/v1.0/nosuchthing"), ("POST", user + "/disable")] {
            let slip = await bench.graph(method, path, token: token)
            #expect(slip.status == 400 && !slip.json.description.contains("real service"), "\(slip.json)")
        }
    }
}
