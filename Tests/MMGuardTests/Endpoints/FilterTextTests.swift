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
            ("startswith(displayName,Ada)", "startswith(displayName,'Ada')"),
            ("endsWith(mail, @contoso.com)", "endsWith(mail,'@contoso.com')"),
            (
                "not(startswith(tolower(displayName), \"Änne O'Hara\"))",
                "startswith(tolower(displayName),'Änne O''Hara')"
            ),
            ("accountEnabled eq true and contains(city,Bad Homburg)", "contains(city,'Bad Homburg')"),
            ("department in (Finance,'HR', Human Resources)", "department in ('Finance','HR','Human Resources')"),
            ("(department in(Finance))", "department in ('Finance')"),
        ])
    func found(filter: String, right: String) throws {
        let fault = try #require(FilterTexts().fault(in: try target(filter)))
        var found: String?
        if case .quotes(let text) = fault.remedy { found = text }
        #expect(right.hasSuffix(try #require(found, "\(fault)")))
    }

    @Test(
        "an operator of another language is found, with the one that is meant",
        arguments: [
            ("displayName = 'x'", "=", "eq"), ("displayName='x'", "=", "eq"), ("size >= 5 and size < 9", ">=", "ge"),
            ("displayName != 'a=b'", "!=", "ne"), ("department <> 'x'", "<>", "ne"),
            ("accountEnabled == true || userType == 'Guest'", "==", "eq"), ("!startswith(mail,'a')", "!", "not"),
            ("accountEnabled -eq true", "-eq", "eq"), ("(userType eq 'Guest') -and (mail eq 'x')", "-and", "and"),
            ("(displayName is 'x')", "is", "eq"), ("mail like '%ann%'", "like", nil),
            ("(from/emailAddress/address contains 'ann')", "contains", nil),
            ("userType eq 'Guest' and displayName startswith 'A'", "startswith", nil),
        ] as [(String, String, String?)])
    func foreign(filter: String, sign: String, meant: String?) throws {
        let fault = try #require(FilterTexts().fault(in: try target(filter)))
        #expect(fault.written == sign && fault.remedy == .operator(meant), "\(fault)")
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
            "startswith(displayName,'in (a)')", "department in ('Finance','HR')", "department in (null)",
            "id in (7b0e4b9c-1f0e-4b8a-9d0e-5a11db0c5e01)", "priority in (1, 2)", "startswith(displayName,", "in (a)",
            "mailNickname eq 'x' and startswith(displayName,'a,b(c')", "startswith(displayName,Ada",
            "displayName eq 'a = b' and mail ne 'c > d'", "not (mail eq 'is')", "appRoles/any(r: r/value has 'x')",
            "startswith(displayName, 'like') and city in ('a', 'is', 'b')", "concat(city, 'a') eq 'b'",
            "isof('microsoft.graph.group') and (mail ne null)",
        ])
    func right(filter: String) throws {
        let fault = FilterTexts().fault(in: try target(filter))
        #expect(fault == nil, "\(filter): \(String(describing: fault))")
    }

    @Test(
        "a value of another type than the declared one is found with its place",
        arguments: [
            ("PATCH", "/users/a", #"{"accountEnabled":"yes"}"#, "accountEnabled", "true or false"),
            ("PATCH", "/users/a", #"{"businessPhones":"123"}"#, "businessPhones", "a list"),
            ("PATCH", "/users/a", #"{"businessPhones":["1",{}]}"#, "businessPhones[1]", "a string"),
            ("PATCH", "/users/a", #"{"jobTitle":["x"]}"#, "jobTitle", "a string"),
            ("POST", "/users", #"{"passwordProfile":"x"}"#, "passwordProfile", "an object of type passwordProfile"),
            (
                "POST", "/users", #"{"passwordProfile":{"forceChangePasswordNextSignIn":"yes"}}"#,
                "passwordProfile.forceChangePasswordNextSignIn", "true or false"
            ),
            (
                "POST", "/me/sendMail", #"{"message":{"toRecipients":["a@b.c"]}}"#, "message.toRecipients[0]",
                "an object of type recipient"
            ),
            (
                "POST", "/me/sendMail", #"{"message":{"toRecipients":{"emailAddress":{}}}}"#, "message.toRecipients",
                "a list"
            ),
            ("POST", "/me/events", #"{"start":"2026-01-01T10:00:00"}"#, "start", "an object of type dateTimeTimeZone"),
            ("POST", "/me/events", #"{"reminderMinutesBeforeStart":"soon"}"#, "reminderMinutesBeforeStart", "a number"),
        ])
    func values(method: String, path: String, body: String, name: String, words: String) throws {
        let target = try RequestTarget(parsing: path, service: .graph, normalization: .clean)
        let fault = BodyCheck().fault(method, target, body: try #require(try JSONParser.parse(body).object))
        #expect(fault?.name == name && fault?.problem == .value(words), "\(String(describing: fault))")
    }

    @Test(
        "values that services take are left alone",
        arguments: [
            ("PATCH", "/users/a", #"{"jobTitle":null,"businessPhones":[],"ACCOUNTENABLED":true}"#),
            (
                "PATCH", "/users/a",
                #"{"birthday":"2000-01-01T00:00:00Z","onPremisesExtensionAttributes":{"extensionAttribute1":null}}"#
            ),
            (
                "POST", "/teams",
                #"{"displayName":"a","discoverySettings":{"showInTeamsSearchAndSuggestions":true},"memberSettings":{}}"#
            ),
            ("PATCH", "/devices/a", #"{"extensionAttributes":{"extensionAttribute1":"kiosk"}}"#),
            ("POST", "/identityGovernance/accessReviews/definitions", #"{"backupReviewers":[{"query":"/users/a"}]}"#),
            (
                "PATCH", "/security/secureScoreControlProfiles/a",
                #"{"assignedTo":"ada","comment":"b","state":"Reviewed"}"#
            ),
            ("POST", "/me/events", #"{"reminderMinutesBeforeStart":"15","start":{"dateTime":"x","timeZone":"UTC"}}"#),
            (
                "POST", "/users/a/assignLicense",
                #"{"addLicenses":[{"skuId":"a","disabledPlans":[]}],"removeLicenses":[]}"#
            ),
            ("POST", "/groups", #"{"displayName":"a","groupTypes":["Unified"],"owners@odata.bind":["x"]}"#),
            (
                "POST", "/identity/conditionalAccess/policies",
                #"{"displayName":"a","state":"disabled","conditions":{"users":{"includeUsers":["All"]},"clientAppTypes":["all"]},"grantControls":{"operator":"OR","builtInControls":["mfa"]}}"#
            ),
            ("POST", "/me/sendMail", #"{"message":{"subject":"x"},"saveToSentItems":"false"}"#),
            (
                "POST", "/me/drive/root/children",
                #"{"name":"a","folder":{},"@microsoft.graph.conflictBehavior":"rename"}"#
            ),
            (
                "POST", "/teams",
                ##"{"template@odata.bind":"x","displayName":"a","members":[{"@odata.type":"#microsoft.graph.aadUserConversationMember","roles":["owner"],"user@odata.bind":"x"}]}"##
            ),
            (
                "POST", "/search/query",
                #"{"requests":[{"entityTypes":["message"],"query":{"queryString":"x"},"from":0,"size":25}]}"#
            ),
            (
                "POST", "/invitations",
                #"{"invitedUserEmailAddress":"a@b.c","inviteRedirectUrl":"https://x","sendInvitationMessage":true,"invitedUserMessageInfo":{"ccRecipients":[{"emailAddress":{"address":"a"}}]}}"#
            ),
        ])
    func plain(method: String, path: String, body: String) throws {
        let target = try RequestTarget(parsing: path, service: .graph, normalization: .clean)
        let fault = BodyCheck().fault(method, target, body: try #require(try JSONParser.parse(body).object))
        #expect(fault == nil, "\(String(describing: fault))")
    }

    @Test(
        "a body with names that the type doesn't have is found before anybody is asked",
        arguments: [
            ("POST", "/users", #"{"x":1}"#, "x"), ("PATCH", "/users/a", #"{"jobTitel":"x"}"#, "jobTitel"),
            ("POST", "/groups", #"{"displayName":"a","nickName":"b"}"#, "nickName"),
            ("PATCH", "/groups/a", #"{"members@odata.bind":[]}"#, nil),
            ("PATCH", "/users/a", #"{"extension_1234_cost":"x"}"#, nil), ("POST", "/beta/users", #"{"x":1}"#, nil),
            ("POST", "/users", #"{"displayName":"X"}"#, nil), ("PATCH", "/users/a", #"{"AccountEnabled":false}"#, nil),
            ("POST", "/me/sendMail", #"{"subject":"x"}"#, "subject"), ("POST", "/me/sendMail", "{}", nil),
            ("POST", "/me/sendMail", #"{"Message":{"subject":"x"},"x":1}"#, nil),
            ("POST", "/me/sendMail", #"{"message":{"subjcet":"x"}}"#, "message.subjcet"),
            ("POST", "/me/messages", #"{"body":{"contentTyp":"text"}}"#, "body.contentTyp"),
            ("POST", "/security/cases/ediscoveryCases", #"{"displayName":"a","externalId":"1"}"#, nil),
            ("POST", "/security/cases/ediscoveryCases", #"{"displayNam":"a"}"#, "displayNam"),
            // Documented, but missing in the description.
            ("POST", "/teams", #"{"channels":[{"tabs":[{"name":"a"}]}]}"#, nil),
            ("POST", "/search/query", #"{"requests":[{"entityTypes":["site"],"trimDuplicates":false}]}"#, nil),
            (
                "POST", "/identityGovernance/entitlementManagement/assignmentRequests",
                #"{"requestType":"adminAdd","assignment":{"targetId":"a"}}"#, nil
            ),
            ("PATCH", "/sites/root/lists/a/items/1/fields", #"{"Title":"x","Ort":"y"}"#, nil),
            ("POST", "/sites/root/lists/a/items", #"{"fields":{"Title":"x"}}"#, nil),
            ("PATCH", "/me/extensions/com.contoso.roaming", #"{"theme":"dark"}"#, nil),
            ("PATCH", "/planner/tasks/a", #"{"assignments":{"u":{"orderHint":" !"}}}"#, nil),
            ("PATCH", "/me/drive/items/x/workbook/worksheets/a/range(address='A1')", #"{"values":[[1]]}"#, nil),
            ("POST", "/identity/conditionalAccess/namedLocations", #"{"displayName":"a","ipRanges":[]}"#, nil),
        ] as [(String, String, String, String?)])
    func bodies(method: String, path: String, body: String, name: String?) throws {
        let target = try RequestTarget(parsing: path, service: .graph, normalization: .clean)
        let object = try #require(try JSONParser.parse(body).object)
        #expect(BodyCheck().fault(method, target, body: object)?.name == name)
    }
}
