internal import MMCore

/// One user of the initial data.
struct UserRow: Sendable {
    let index: Int
    let directory: UserDirectory
    let person: People.Person

    private enum Field: UInt64 {
        case guest = 10
        case department, title, mobile, phone, created, enabled, license, employee, signIn, partner, synced, kept
    }

    private func number(_ field: Field, below limit: Int) -> Int {
        directory.mixing.number(index, field.rawValue, below: limit)
    }

    private var culture: Culture { Culture.all[Int(person.culture)] }

    /// The account that always has this index.
    var named: NamedAccount? { isNamed ? NamedAccount.all[index] : nil }

    private var isNamed: Bool { index < NamedAccount.all.count }

    var id: String { directory.ids.guid(index) }
    var isGuest: Bool { named?.isGuest ?? (number(.guest, below: 25) == 0) }
    var givenName: String { named?.given ?? culture.given[Int(person.given)].shown }
    var surname: String { named?.family ?? culture.family[Int(person.family)].shown }
    var displayName: String { "\(givenName) \(surname)" }
    var officeIndex: Int { Int(person.culture) }
    var office: Culture.Office { culture.office }
    var departmentIndex: Int { named?.department ?? number(.department, below: Position.departments.count) }
    var department: String { Position.departments[departmentIndex].name }
    var isEnabled: Bool { named.map { $0.outcome != .disabled } ?? (number(.enabled, below: 20) != 0) }

    var jobTitle: String {
        if let named { return named.title }
        let titles = Position.departments[departmentIndex].titles
        return titles[titleIndex(of: titles.count)]
    }

    func titleIndex(of count: Int) -> Int { number(.title, below: count) }

    private var address: String {
        if let named { return named.address.split(separator: "_").first.map(String.init) ?? named.address }
        let round = person.round == 0 ? "" : "\(person.round + 1)"
        return "\(culture.given[Int(person.given)].address).\(culture.family[Int(person.family)].address)\(round)"
    }

    private static let partners = ["fabrikam.example", "northwind.example", "adatum.example", "tailspin.example"]

    private var partner: String {
        named == nil ? Self.partners[number(.partner, below: Self.partners.count)] : "fabrikam.example"
    }

    var userPrincipalName: String {
        isGuest ? "\(address)_\(partner)#EXT#@\(directory.domain)" : "\(address)@\(directory.domain)"
    }

    var mail: String { isGuest ? "\(address)@\(partner)" : "\(address)@\(directory.domain)" }

    private var mailNickname: String { isGuest ? "\(address)_\(partner)#EXT#" : address }

    var mobileNumber: Int { number(.mobile, below: 10_000) }
    var phoneNumber: Int { number(.phone, below: 10_000) }

    private var mobilePhone: String { office.dialling + fourDigits(mobileNumber) }

    private func fourDigits(_ number: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: 4 - text.count) + text
    }

    var created: Int64 { directory.now - 86_400 - Int64(number(.created, below: 6 * 365 * 86_400)) }

    /// The indices of the licences in `License.all`.
    var licenses: [Int] {
        if isGuest { return [] }
        if index == 0 { return [1] }
        // Some keep their licences after they were disabled.
        if !isEnabled { return named != nil || number(.kept, below: 3) == 0 ? [0] : [] }
        switch number(.license, below: 10) {
        case 0, 1: return [1]
        case 2...7: return [0]
        case 8: return [2]
        default: return []
        }
    }

    /// The index of the manager: a tree with eight below each.
    var managerIndex: Int? { index == 0 || isGuest ? nil : (index - 1) / 8 }

    /// Returns the value of a property; `nil` if a user has no such property.
    func value(of property: String) -> JSONValue? {
        switch property {
        case "id": .string(id)
        case "displayName": .string(displayName)
        case "givenName": .string(givenName)
        case "surname": .string(surname)
        case "userPrincipalName": .string(userPrincipalName)
        case "mail": .string(mail)
        case "mailNickname": .string(mailNickname)
        case "jobTitle": .string(jobTitle)
        case "department": .string(department)
        case "officeLocation": isGuest ? .null : .string(office.name)
        case "city": isGuest ? .null : .string(office.city)
        case "state": isGuest || office.state.isEmpty ? .null : .string(office.state)
        case "country": isGuest ? .null : .string(office.country)
        case "usageLocation": isGuest ? .null : .string(office.region)
        case "streetAddress": isGuest ? .null : .string(office.street)
        case "postalCode": isGuest ? .null : .string(office.postalCode)
        case "preferredLanguage": .string(culture.language)
        case "mobilePhone": isGuest ? .null : .string(mobilePhone)
        case "businessPhones": isGuest ? [] : [.string(office.dialling + fourDigits(phoneNumber))]
        case "companyName": .string(isGuest ? partner : "Contoso Sandbox")
        case "accountEnabled": .bool(isEnabled)
        case "userType": .string(isGuest ? "Guest" : "Member")
        default: rareValue(of: property)
        }
    }

    private func rareValue(of property: String) -> JSONValue? {
        switch property {
        case "ageGroup", "deletedDateTime", "passwordProfile": .null
        case "createdDateTime": .string(ServiceTime.text(created))
        case "creationType", "externalUserState":
            isGuest
                ? .string(property == "creationType" ? "Invitation" : isRedeemed ? "Accepted" : "PendingAcceptance")
                : .null
        case "externalUserStateChangeDateTime": isGuest ? .string(ServiceTime.text(created + 7200)) : .null
        case "employeeHireDate": isGuest ? .null : .string(ServiceTime.text(created / 86_400 * 86_400))
        case "employeeId": isGuest ? .null : .string("E\(100_000 + index)")
        case "employeeType": isGuest ? .null : .string(number(.employee, below: 8) == 0 ? "Contractor" : "Employee")
        case "assignedLicenses": .array(licenses.map { License.all[$0].assignment })
        case "assignedPlans": .array(licenses.flatMap { License.all[$0].assignedPlans(since: created) })
        case "identities":
            [
                [
                    "signInType": "userPrincipalName", "issuer": .string(directory.domain),
                    "issuerAssignedId": .string(userPrincipalName),
                ]
            ]
        case "imAddresses", "otherMails": isGuest || property == "imAddresses" ? [.string(mail)] : []
        case "licenseAssignmentStates":
            .array(
                licenses.map { place in
                    [
                        "skuId": License.all[place].assignment["skuId"] ?? .null, "disabledPlans": [],
                        "assignedByGroup": .null, "state": "Active", "error": "None",
                        "lastUpdatedDateTime": .string(ServiceTime.text(created + 3600)),
                    ]
                })
        case "lastPasswordChangeDateTime", "signInSessionsValidFromDateTime", "refreshTokensValidFromDateTime":
            .string(ServiceTime.text(created + 3600))
        case "onPremisesSyncEnabled": isSynced ? true : .null
        case "onPremisesDistinguishedName":
            isSynced ? .string("CN=\(displayName),OU=\(department),OU=People,DC=contoso,DC=sandbox") : .null
        case "onPremisesDomainName": isSynced ? "contoso.sandbox" : .null
        case "onPremisesImmutableId": isSynced ? .string(id.filter(\.isHexDigit).prefix(21) + "A==") : .null
        case "onPremisesSamAccountName": isSynced ? .string(String(mailNickname.prefix(20))) : .null
        case "onPremisesSecurityIdentifier":
            isSynced ? .string("S-1-5-21-1004336348-1177238915-682003330-\(1100 + index)") : .null
        case "onPremisesUserPrincipalName": isSynced ? .string(userPrincipalName) : .null
        case "onPremisesExtensionAttributes":
            .object(JSONObject((1...15).map { ("extensionAttribute\($0)", JSONValue.null) }))
        case "onPremisesLastSyncDateTime": isSynced ? .string(ServiceTime.text(directory.now - 1800)) : .null
        case "passwordPolicies": isGuest ? "None" : keepsPassword ? "DisablePasswordExpiration" : .null
        case "proxyAddresses": [.string("SMTP:\(mail)")]
        case "securityIdentifier": .string(Guid.securityIdentifier(id))
        case "signInActivity": signInActivity
        default: nil
        }
    }

    /// Whether the account comes from the company's own directory.
    private var isSynced: Bool { number(.synced, below: 3) == 0 && !isGuest }

    /// Whether the password never expires.
    private var keepsPassword: Bool { index == 0 || named == nil && number(.mobile, below: 40) == 0 }

    /// Whether the account is currently in use; guests rarely are, and disabled accounts never.
    var isActive: Bool {
        if named != nil { return true }
        return isEnabled && isRedeemed && number(.signIn, below: isGuest ? 2 : 12) != 0
    }

    /// Whether a guest has accepted the invitation.
    var isRedeemed: Bool { !isGuest || named != nil || number(.kept, below: 8) != 0 }

    /// The time of the last sign-in; `nil` for never.
    var lastSignIn: Int64? {
        guard isRedeemed else { return nil }
        if isActive { return max(directory.signIns.last(of: index) { directory.row($0).isActive }, created) }
        // The account hasn't been used for one to fifteen months.
        let last = directory.now - Int64((31 + number(.synced, below: 420)) * 86_400 + number(.mobile, below: 86_400))
        return last > created ? last : nil
    }

    private var signInActivity: JSONValue {
        guard let lastSignIn else { return .null }
        let time = JSONValue.string(ServiceTime.text(lastSignIn))
        let request = JSONValue.string(
            Guid.text(directory.mixing.number(index, 90), directory.mixing.number(index, 91)))
        return [
            "lastSignInDateTime": time, "lastSignInRequestId": request, "lastNonInteractiveSignInDateTime": time,
            "lastNonInteractiveSignInRequestId": request,
            "lastSuccessfulSignInDateTime": named?.outcome == .disabled ? .null : time,
            "lastSuccessfulSignInRequestId": named?.outcome == .disabled ? .null : request,
        ]
    }
}

/// The properties that make up most of a page of users.
enum UserColumn: String, Sendable {
    case id, displayName, givenName, surname, userPrincipalName, mail, jobTitle, officeLocation, preferredLanguage
    case mobilePhone, businessPhones, accountEnabled
}

/// Common columns of users with the names before them, as a page repeats them in each row.
struct UserLayout: Sendable {
    fileprivate let columns: [UserColumn]
    /// What precedes the value of each column, one after the other: `{"id":`, `,"displayName":`, …
    fileprivate let labels: [UInt8]
    /// Where the label of each column ends.
    fileprivate let ends: [Int]

    init(_ columns: [UserColumn]) {
        self.columns = columns
        var labels: [UInt8] = []
        ends = columns.map { column in
            labels.append(UInt8(ascii: labels.isEmpty ? "{" : ","))
            JSONWriter.append(column.rawValue, to: &labels)
            labels.append(UInt8(ascii: ":"))
            return labels.count
        }
        self.labels = labels
    }
}

/// Direct encoding of users, because benchmarks read pages of users.
extension UserRow {
    /// Appends the row in a layout, without its closing brace.
    /// - Returns: `false` if this user has to be written property by property.
    func append(_ layout: UserLayout, to bytes: inout [UInt8]) -> Bool {
        guard !isNamed, !layout.columns.isEmpty else { return false }
        let culture = culture
        var start = 0
        layout.labels.withUnsafeBufferPointer { labels in
            for (column, end) in zip(layout.columns, layout.ends) {
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: labels[start..<end]))
                append(column, of: culture, to: &bytes)
                start = end
            }
        }
        return true
    }

    /// Appends the JSON text of a property.
    func append(_ column: UserColumn, to bytes: inout [UInt8]) {
        if isNamed { appendValue(of: column.rawValue, to: &bytes) } else { append(column, of: culture, to: &bytes) }
    }

    private func append(_ column: UserColumn, of culture: Culture, to bytes: inout [UInt8]) {
        switch column {
        case .id:
            bytes.append(UInt8(ascii: "\""))
            directory.ids.appendGuid(index, to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        case .displayName:
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: culture.given[Int(person.given)].shownBytes)
            bytes.append(UInt8(ascii: " "))
            bytes.append(contentsOf: culture.family[Int(person.family)].shownBytes)
            bytes.append(UInt8(ascii: "\""))
        case .givenName: appendQuoted(culture.given[Int(person.given)].shownBytes, to: &bytes)
        case .surname: appendQuoted(culture.family[Int(person.family)].shownBytes, to: &bytes)
        case .mail, .userPrincipalName:
            guard !isGuest else { return appendValue(of: column.rawValue, to: &bytes) }
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: culture.given[Int(person.given)].addressBytes)
            bytes.append(UInt8(ascii: "."))
            bytes.append(contentsOf: culture.family[Int(person.family)].addressBytes)
            if person.round > 0 { bytes.append(contentsOf: "\(person.round + 1)".utf8) }
            bytes.append(contentsOf: directory.domainBytes)
        case .jobTitle:
            let titles = Position.departments[departmentIndex].titleBytes
            bytes.append(contentsOf: titles[titleIndex(of: titles.count)])
        case .officeLocation: appendOrNull(culture.office.nameBytes, to: &bytes)
        case .preferredLanguage: bytes.append(contentsOf: culture.languageBytes)
        case .mobilePhone:
            guard !isGuest else { return bytes.append(contentsOf: "null".utf8) }
            appendPhone(culture.office, mobileNumber, to: &bytes)
        case .businessPhones:
            bytes.append(UInt8(ascii: "["))
            if !isGuest { appendPhone(culture.office, phoneNumber, to: &bytes) }
            bytes.append(UInt8(ascii: "]"))
        case .accountEnabled: bytes.append(contentsOf: (isEnabled ? "true" : "false").utf8)
        }
    }

    private func appendQuoted(_ text: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: text)
        bytes.append(UInt8(ascii: "\""))
    }

    private func appendOrNull(_ text: [UInt8], to bytes: inout [UInt8]) {
        if isGuest { bytes.append(contentsOf: "null".utf8) } else { bytes.append(contentsOf: text) }
    }

    private func appendPhone(_ office: Culture.Office, _ number: Int, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: office.diallingBytes)
        for place in [1000, 100, 10, 1] { bytes.append(0x30 + UInt8(truncatingIfNeeded: number / place % 10)) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends the JSON text of any property.
    func appendValue(of property: String, to bytes: inout [UInt8]) {
        switch value(of: property) ?? .null {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
        case .string(let text): JSONWriter.append(text, to: &bytes)
        case let other: bytes.append(contentsOf: JSONWriter.bytes(other))
        }
    }
}

/// The products that the tenant has bought.
struct License: Sendable {
    let sku: String
    let part: String
    /// The name in reports.
    let product: String
    let plans: [(id: String, name: String, service: String)]
    /// The number of seats, in percent of the number of users.
    let seats: Int

    static let all: [License] = [
        License(
            sku: "05e9a617-0261-4cee-bb44-138d3ef5d965", part: "SPE_E3", product: "MICROSOFT 365 E3",
            plans: [
                ("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE", "exchange"),
                ("5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE", "SharePoint"),
                ("57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1", "TeamspaceAPI"),
            ], seats: 75),
        License(
            sku: "06ebc4ee-1bb5-47dd-8120-11324bc54e06", part: "SPE_E5", product: "MICROSOFT 365 E5",
            plans: [
                ("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE", "exchange"),
                ("5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE", "SharePoint"),
                ("57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1", "TeamspaceAPI"),
                ("eec0eb4f-6444-4f95-aba0-50c24d67f998", "AAD_PREMIUM_P2", "AADPremiumService"),
            ], seats: 30),
        License(
            sku: "66b55226-6b4f-492c-910c-a3b7a3c9d993", part: "SPE_F1", product: "MICROSOFT 365 F3",
            plans: [("4a82b400-a79f-41a4-b4e2-e94f5787b113", "EXCHANGE_S_DESKLESS", "exchange")], seats: 15),
    ]

    /// The entry of `assignedLicenses`.
    var assignment: JSONValue { ["disabledPlans": [], "skuId": .string(sku)] }

    var servicePlans: JSONValue {
        .array(
            plans.map {
                [
                    "servicePlanId": .string($0.id), "servicePlanName": .string($0.name),
                    "provisioningStatus": "Success",
                    "appliesTo": "User",
                ]
            })
    }

    func assignedPlans(since created: Int64) -> [JSONValue] {
        plans.map {
            [
                "assignedDateTime": .string(ServiceTime.text(created)), "capabilityStatus": "Enabled",
                "service": .string($0.service), "servicePlanId": .string($0.id),
            ]
        }
    }
}
