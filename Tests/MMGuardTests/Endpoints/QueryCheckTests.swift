import MMCore
import Testing

@testable import MMGuard

@Suite("Queries looked at before they are sent", .timeLimit(.minutes(5)))
struct QueryCheckTests {
    private let check = QueryCheck()

    private func target(_ path: String) throws -> RequestTarget {
        try RequestTarget(parsing: path, service: .graph, normalization: .clean)
    }

    @Test(
        "a name that the type lacks is answered with the near ones",
        arguments: [
            ("/users?$select=dispalyName", "dispalyName", "displayName"),
            ("/users?select=id,mails", "mails", "mail"), ("/users?$select=display_name", "display_name", "displayName"),
            ("/users?$filter=Account_Enabled eq true", "Account_Enabled", "accountEnabled"),
            ("/users?$filter=acountEnabled eq false", "acountEnabled", "accountEnabled"),
            ("/users?$filter=startswith(displayname2,'A') or startsWith(surnames,'B')", "displayname2", "displayName"),
            ("/me/messages?$orderby=recievedDateTime desc", "recievedDateTime", "receivedDateTime"),
            ("/me/messages?$select=subjekt,from", "subjekt", "subject"),
            ("/users/1?$expand=managers($levels=max)", "managers", "manager"),
            ("/auditLogs/signIns?$filter=status/errorCodes ne 0", "errorCodes", "errorCode"),
            ("/subscribedSkus?$select=skuPartNumbers", "skuPartNumbers", "skuPartNumber"),
            (
                "/identityGovernance/accessReviews/definitions?$filter=contains(scope/microsoft.graph."
                    + "accessReviewQueryScope/qeury,'./members')", "qeury", "query"
            ),
        ])
    func wrong(path: String, name: String, meant: String) throws {
        let fault = try #require(check.fault(in: try target(path)))
        #expect(fault.name == name)
        #expect(fault.near.contains(meant), "\(fault.near)")
    }

    @Test(
        "right, foreign and unknowable names pass",
        arguments: [
            "/users?$select=id,displayName,signInActivity,extension_1_code", "/users?$select=extkvb_costs/display_name",
            "/users?$select=*", "/users?$select=microsoft.graph.user/displayName",
            "/users?$filter=assignedLicenses/any(s:s/skuId eq 84a661c4-e949-4bd2-a560-ed7766fcaf2b)&$count=true",
            "/users?$filter=assignedLicenses/$count eq 0&$count=true",
            "/users?$filter=not(proxyAddresses/any(p:startsWith(p,'smtp:x')))",
            "/users?$filter=createdDateTime ge 2026-01-01T00:00:00Z and userType eq 'displayNme'",
            "/users?$filter=onPremisesExtensionAttributes/extensionAttribute1 eq 'x'",
            "/identityGovernance/accessReviews/definitions?$filter=contains(scope/microsoft.graph."
                + "accessReviewQueryScope/query,'./members')",
            "/users?$filter=id in ('1','2')", "/users?$filter=endsWith(mail,'@contoso.com')",
            "/groups?$filter=groupTypes/any(c:c eq 'Unified')&$orderby=displayName desc",
            "/groups/1/members?$select=displayName,mail,jobTitle,deviceId",
            "/users/1?$expand=manager($levels=max;$select=nosuchthing)",
            "/auditLogs/signIns?$filter=status/errorCode ne 0 and location/city eq 'Bern'",
            "/sites/1/lists/2/items?$expand=fields($select=Title)&$filter=fields/Status eq 'New'",
            "/me/messages?$filter=from/emailAddress/address eq 'a@b.c' and hasAttachments eq true",
            "/me/events?$select=subject,start&$orderby=start/dateTime", "/beta/users?$select=brandNewProperty",
            "/me/messages?$filter=singleValueExtendedProperties/any(ep:ep/id eq 'x' and ep/value eq 'y')",
            "/deviceManagement/managedDevices?$filter=lastSyncDateTime le 2026-01-01T00:00:00Z",
            "/users?$search=\"displayName:ada\"&$count=true", "/nowhere?$select=x", "/users?$apply=groupby((x))",
            "/me/drive/root/children?$select=id,name,@microsoft.graph.downloadUrl",
        ])
    func right(path: String) throws {
        #expect(check.fault(in: try target(path)) == nil)
    }

    @Test("properties that only the documentation has are known, as such")
    func documented() throws {
        let table = GraphTypeTable.standard
        let device = try #require(table.type(named: "device"))
        let property = try #require(table.properties(of: device).first { $0.name == "extensionAttributes" })
        #expect(!property.isDescribed && property.type == "onPremisesExtensionAttributes")
        #expect(property.filtering?.plain.contains("startsWith") == true)
        let fault = check.fault(in: try target("/devices?$filter=extensionAttributes/extensionAtribute1 eq 'x'"))
        #expect(fault?.near.contains("extensionAttribute1") == true, "\(String(describing: fault))")
        #expect(table.properties(of: device).filter { !$0.isDescribed }.count == 1)
    }

    @Test("what the help says of types holds for the types")
    func abilities() throws {
        let table = GraphTypeTable.standard
        let user = try #require(table.type(named: "microsoft.graph.User"))
        #expect(user.isOpen)
        #expect(user.usualProperties.contains("displayName"))
        let properties = table.properties(of: user)
        let name = try #require(properties.first { $0.name == "displayName" })
        #expect(name.filtering?.plain.contains("startsWith") == true)
        #expect(name.filtering?.advanced.contains("ne") == true)
        #expect(properties.contains { $0.name == "manager" && $0.isNavigation })
        #expect(properties.contains { $0.name == "deletedDateTime" }, "inherited")
        #expect(table.type(named: "nosuch") == nil)
        #expect(table.names(near: "grup").contains("group"))
    }
}
