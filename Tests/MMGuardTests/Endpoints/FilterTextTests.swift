import MMCore
import MMGuard
import Testing

@Suite("Requests that can't be right", .timeLimit(.minutes(5)))
struct FilterTextTests {
    private func target(_ filter: String) throws -> RequestTarget {
        try RequestTarget(parsing: "/users", service: .graph, normalization: .clean).addingQuery("$filter", filter)
    }

    @Test(
        "a text without quotes is found, whole",
        arguments: [
            ("department eq Sales", "department eq 'Sales'"),
            ("accountEnabled eq true and department eq Sales", "department eq 'Sales'"),
            ("displayName eq Project Amber and accountEnabled eq true", "displayName eq 'Project Amber'"),
            ("(userType eq Guest)", "userType eq 'Guest'"), ("not(city ne Berlin)", "not(city ne 'Berlin'"),
            ("mail eq ada@contoso.com", "mail eq 'ada@contoso.com'"),
            ("displayName eq \"Lena Vogt\"", "displayName eq 'Lena Vogt'"),
            ("displayName eq \"Sales and Marketing\" and mail ne null", "displayName eq 'Sales and Marketing'"),
            ("(surname eq \"O'Neill\")", "surname eq 'O''Neill'"),
        ])
    func found(filter: String, right: String) throws {
        let fault = try #require(FilterTexts().fault(in: try target(filter)))
        #expect(right.hasSuffix(fault.right) || fault.right == right, "\(fault)")
    }

    @Test(
        "what is right is left alone",
        arguments: [
            "department eq 'Sales'", "accountEnabled eq true", "createdDateTime ge 2026-01-01T00:00:00Z",
            "id eq 7b0e4b9c-1f0e-4b8a-9d0e-5a11db0c5e01", "id eq a0e0c5d0-1f0e-4b8a-9d0e-5a11db0c5e01",
            "manager ne null", "startswith(displayName,'A') eq true",
            "assignedLicenses/any(x:x/skuId eq aaaaaaaa-1f0e-4b8a-9d0e-5a11db0c5e01)",
            "displayName eq 'he said x eq y'", "displayName eq 'he said \"x\"'", "size gt 5",
            "displayName eq 'O''Hara and eq Sons'",
            "lastModified gt duration'PT1H'", "assignedLicenses/$count ne 0", "tolower(mail) eq 'a'",
        ])
    func right(filter: String) throws {
        let fault = FilterTexts().fault(in: try target(filter))
        #expect(fault == nil, "\(filter): \(String(describing: fault))")
    }

    @Test(
        "a body with names that the type doesn't have is found before anybody is asked",
        arguments: [
            ("POST", "/users", #"{"x":1}"#, "x"), ("PATCH", "/users/a", #"{"jobTitel":"x"}"#, "jobTitel"),
            ("POST", "/groups", #"{"displayName":"a","nickName":"b"}"#, "nickName"),
            ("PATCH", "/groups/a", #"{"members@odata.bind":[]}"#, nil),
            ("PATCH", "/users/a", #"{"extension_1234_cost":"x"}"#, nil), ("POST", "/beta/users", #"{"x":1}"#, nil),
            ("POST", "/users", #"{"displayName":"X"}"#, nil), ("PATCH", "/users/a", #"{"AccountEnabled":false}"#, nil),
            ("POST", "/me/sendMail", #"{"x":1}"#, nil),
        ] as [(String, String, String, String?)])
    func bodies(method: String, path: String, body: String, name: String?) throws {
        let target = try RequestTarget(parsing: path, service: .graph, normalization: .clean)
        let object = try #require(try JSONParser.parse(body).object)
        #expect(BodyCheck().fault(method, target, body: object)?.name == name)
    }
}
