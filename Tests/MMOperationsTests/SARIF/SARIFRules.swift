import MMCore

/// What SARIF 2.1.0 (OASIS, sections 3.13 to 3.58) requires of the parts that logs of this product have.
enum SARIFRules {
    /// What is wrong with a log; empty where nothing is.
    static func violations(of log: JSONValue) -> [String] {
        var found: [String] = []
        func require(_ holds: Bool, _ what: String) { if !holds { found.append(what) } }

        require(log["version"] == "2.1.0", "version")
        require(log["$schema"]?.string?.hasPrefix("https://") == true, "$schema")
        let runs = log["runs"]?.array ?? []
        require(!runs.isEmpty, "runs")
        for run in runs {
            let driver = run["tool"]?["driver"]
            require(driver?["name"]?.string?.isEmpty == false, "tool.driver.name")
            let rules = driver?["rules"]?.array ?? []
            let ids = rules.map { $0["id"]?.string ?? "" }
            require(!ids.contains("") && Set(ids).count == ids.count, "rules have ids of their own: \(ids)")
            for rule in rules {
                require(rule["shortDescription"]?["text"]?.string?.isEmpty == false, "shortDescription.text")
                if let help = rule["help"] { require(help["text"]?.string?.isEmpty == false, "help.text") }
            }
            require(["utf16CodeUnits", "unicodeCodePoints"].contains(run["columnKind"]?.string ?? ""), "columnKind")
            require(run["results"]?.array != nil, "results")
            for result in run["results"]?.array ?? [] { found += violations(result: result, ids) }
            for invocation in run["invocations"]?.array ?? [] {
                require(invocation["executionSuccessful"]?.bool != nil, "executionSuccessful")
                for note in invocation["toolExecutionNotifications"]?.array ?? [] {
                    require(levels.contains(note["level"]?.string ?? ""), "notification.level")
                    require(note["message"]?["text"]?.string?.isEmpty == false, "notification.message")
                }
            }
        }
        return found
    }

    private static let levels = ["none", "note", "warning", "error"]

    private static func violations(result: JSONValue, _ rules: [String]) -> [String] {
        var found: [String] = []
        func require(_ holds: Bool, _ what: String) { if !holds { found.append(what) } }
        require(result["message"]?["text"]?.string?.isEmpty == false, "message.text")
        require(rules.contains(result["ruleId"]?.string ?? ""), "ruleId is of no rule")
        require(levels.contains(result["level"]?.string ?? ""), "level")
        for location in result["locations"]?.array ?? [] {
            let place = location["physicalLocation"]
            let uri = place?["artifactLocation"]?["uri"]?.string ?? ""
            require(isReference(uri), "no reference: \(uri)")
            guard let region = place?["region"] else { continue }
            for (name, least) in [("startLine", 1), ("startColumn", 1), ("charOffset", 0), ("charLength", 0)] {
                if let number = region[name] { require((number.int ?? -1) >= least, "region.\(name)") }
            }
            if let snippet = region["snippet"] { require(snippet["text"]?.string != nil, "region.snippet") }
        }
        for (name, value) in result["partialFingerprints"]?.object ?? [:] {
            require(!name.isEmpty && value.string?.isEmpty == false, "partialFingerprints")
        }
        return found
    }

    /// Whether a text is a URI reference (RFC 3986): characters that may stand in one, whole escapes, and no scheme but
    /// `file`.
    private static func isReference(_ text: String) -> Bool {
        let plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/"
        var rest = text[...]
        while let character = rest.first {
            if character == "%" {
                guard rest.dropFirst().prefix(2).count == 2, rest.dropFirst().prefix(2).allSatisfy(\.isHexDigit) else {
                    return false
                }
                rest = rest.dropFirst(3)
            } else {
                guard plain.contains(character) else { return false }
                rest = rest.dropFirst()
            }
        }
        if text.hasPrefix("file:///") { return true }
        return !text.isEmpty && !text.prefix { $0 != "/" }.contains(":")
    }
}
