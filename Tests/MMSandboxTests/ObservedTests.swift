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
            ("/groups?$filter=resourceProvisioningOptions/Any(x:x%20eq%20'Team')", "displayName"),
        ])
    func served(path: String, member: String) async {
        let bench = Bench()
        let token = await bench.token()
        let answer = await bench.graph("GET", "/v1.0" + path, token: token)
        #expect(answer.status == 200, "\(path): \(answer.json)")
        #expect(answer.json["value"]?[0]?[member] != nil, "\(path): \(answer.json)")
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
        let slip = await bench.graph("GET", "/v1.0/nosuchthing", token: token)
        #expect(slip.status == 400 && !slip.json.description.contains("real service"), "\(slip.json)")
    }
}
