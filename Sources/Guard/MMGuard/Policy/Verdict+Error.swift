public import MMCore

extension Verdict {
    /// Returns the verdict as an error for a caller: what was found, why, and what to do instead.
    /// - Parameter pending: the entry of the ledger if a person can confirm it.
    /// - Returns: `.denied` or `.confirmationNeeded`; `nil` if the verdict allows.
    public func error(pending: PendingConfirmation? = nil) -> MMError? {
        guard decision != .allow else { return nil }
        var details: JSONObject = [
            "verdict": .string(decision.rawValue), "class": .string(guardClass.rawValue), "rule": .string(rule),
        ]
        if let place {
            details["line"] = .int(Int64(place.line))
            details["column"] = .int(Int64(place.column))
            details["text"] = .string(place.text)
        }
        if !previews.isEmpty { details["preview"] = .array(previews.flatMap(\.lines).map(JSONValue.string)) }
        let at =
            place.map { place in
                let text = place.text.isEmpty ? "" : ": \(place.text.prefix(80))"
                return " (line \(place.line), column \(place.column)\(text))"
            } ?? ""
        // More sentences may follow this one.
        let sentence = (reason.hasSuffix(".") ? String(reason.dropLast()) : reason) + at + "."
        if findings.first?.kind == .broken {
            return MMError(.invalidInput, sentence, hint: instead, details: details)
        }
        if decision == .deny {
            return MMError(.denied, "Denied: \(sentence)", hint: instead, details: details)
        }
        guard let pending else {
            return MMError(
                .confirmationNeeded, "A person has to confirm this: \(sentence)", hint: instead, details: details)
        }
        details["token"] = .string(pending.token)
        details["expiresAt"] = .int(pending.expiresAt.seconds)
        return MMError(
            .confirmationNeeded, "A person has to confirm this (mm confirm \(pending.token)): \(sentence)",
            hint:
                "Ask them to run: mm confirm \(pending.token). Then repeat exactly this call.\(instead.map { " Or: " + $0 } ?? "")",
            retry: .never, details: details)
    }
}
