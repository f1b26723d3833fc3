internal import MMCore

/// One page of a cmdlet's rows, with the messages that came with it.
package struct ExchangePage: Sendable {
    /// The rows, each a JSON text; slices of the response.
    package internal(set) var rows: [ArraySlice<UInt8>]
    /// The warnings.
    package internal(set) var warnings: [String] = []
    /// Errors that didn't end the cmdlet.
    package internal(set) var errors: [ExchangeError] = []
    /// What the cmdlet would do, or asks to confirm: the text of `-WhatIf` and `-Confirm`.
    package internal(set) var confirmation: String?
    /// The link to the next page, as the service writes it.
    let nextLink: String?

    /// Parses a response; one without `value` means that the cmdlet printed nothing.
    /// - Throws: `.remoteFailed` when the body isn't a complete JSON text.
    init(_ response: GraphResponse, cmdlet: String) throws(MMError) {
        guard response.status != 204, !response.body.allSatisfy({ $0 <= 0x20 }) else {
            rows = []
            nextLink = nil
            return
        }
        guard let findings = PageScanner.scan(response.body) else {
            throw MMError(
                .remoteFailed, "The answer to \(cmdlet) isn't JSON, or only a part of it.",
                hint: "Something between this machine and the service answers in its place. Try again.", retry: .now,
                details: ["cmdlet": .string(cmdlet)])
        }
        rows = findings.items?.map { response.body[$0] } ?? []
        let envelope = findings.envelope
        warnings = (envelope["@adminapi.warnings"]?.array ?? []).compactMap(Self.text)
        errors = (envelope["@adminapi.errors"]?.array ?? []).map {
            ExchangeError($0, beside: response, cmdlet: cmdlet)
        }
        confirmation = envelope["@adminapi.confirmationmessage"].flatMap(Self.text)
        let link = envelope["@odata.nextLink"]?.string
        nextLink = link?.isEmpty == false ? link : nil
    }

    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text.isEmpty ? nil : text
        case .null: nil
        case .object(let members): members["Message"]?.string ?? members["message"]?.string ?? value.description
        default: value.description
        }
    }
}
