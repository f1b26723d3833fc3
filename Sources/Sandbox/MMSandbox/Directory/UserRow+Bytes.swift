internal import MMCore

/// The properties that a page of users is mostly made of.
enum UserColumn: String, Sendable {
    case id, displayName, givenName, surname, userPrincipalName, mail, jobTitle, officeLocation, preferredLanguage
    case mobilePhone, businessPhones, accountEnabled
}

/// Users straight to bytes: a page of users is what benchmarks read.
extension UserRow {
    /// Appends the JSON text of a property.
    func append(_ column: UserColumn, to bytes: inout [UInt8]) {
        guard index >= NamedAccount.all.count else { return appendValue(of: column.rawValue, to: &bytes) }
        let culture = Culture.all[Int(person.culture)]
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
