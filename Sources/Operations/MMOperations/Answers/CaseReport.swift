import MMCore

/// The results of a call, case by case, for CI services: as a JUnit report and as Markdown.
struct CaseReport: Sendable {
    /// The result of a case.
    enum Result: Sendable, Hashable {
        case passed
        /// The case waits for a person, or was left out on purpose.
        case skipped(String)
        /// The case is not as it should be.
        case failed(String)
        /// The result could not be determined.
        case error(String)
    }

    /// One case: a change, a kind of configuration, a difference.
    struct Case: Sendable {
        /// The group of the case, such as a connection.
        let group: String
        let name: String
        var result = Result.passed
        var lines: [String] = []
    }

    /// The command that was run, such as `mm drift`.
    let tool: String
    let headline: String
    var cases: [Case] = []
    /// The Markdown to use instead of a table of the cases.
    var text: String?

    /// Returns the report of a failed call.
    static func failure(_ error: MMError, of tool: String, on name: String) -> CaseReport {
        CaseReport(
            tool: tool, headline: "\(tool) failed: \(error.message)",
            cases: [
                Case(
                    group: name, name: error.code.word, result: .error(error.message),
                    lines: error.hint.map { [$0] } ?? [])
            ])
    }

    // MARK: JUnit

    /// The report in JUnit's XML format, which most CI services read.
    var junit: String {
        var groups: [(name: String, cases: [Case])] = []
        for one in cases {
            if let place = groups.firstIndex(where: { $0.name == one.group }) {
                groups[place].cases.append(one)
            } else {
                groups.append((one.group, [one]))
            }
        }
        var lines = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>"]
        lines.append("<testsuites name=\"\(Self.xml(tool))\"\(Self.counts(cases))>")
        for group in groups {
            lines.append(
                "  <testsuite name=\"\(Self.xml(group.name))\"\(Self.counts(group.cases)) "
                    + "timestamp=\"\(Timestamp.now.iso8601)\">")
            lines += group.cases.flatMap { Self.element($0, tool) }
            lines.append("  </testsuite>")
        }
        lines.append("</testsuites>")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func counts(_ cases: [Case]) -> String {
        var (failures, errors, skipped) = (0, 0, 0)
        for one in cases {
            switch one.result {
            case .passed: break
            case .skipped: skipped += 1
            case .failed: failures += 1
            case .error: errors += 1
            }
        }
        return " tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"\(skipped)\""
    }

    private static func element(_ one: Case, _ tool: String) -> [String] {
        let words = tool.replacing(" ", with: ".")
        let head = "    <testcase classname=\"\(xml("\(words).\(one.group)"))\" name=\"\(xml(one.name))\""
        let text = xml(one.lines.joined(separator: "\n"))
        switch one.result {
        case .passed where one.lines.isEmpty: return [head + "/>"]
        case .passed: return [head + ">", "      <system-out>\(text)</system-out>", "    </testcase>"]
        case .skipped(let why):
            return [
                head + ">", "      <skipped message=\"\(xml(why))\"/>",
                one.lines.isEmpty ? nil : "      <system-out>\(text)</system-out>", "    </testcase>",
            ].compactMap(\.self)
        case .failed(let why):
            return [head + ">", "      <failure message=\"\(xml(why))\">\(text)</failure>", "    </testcase>"]
        case .error(let why):
            return [head + ">", "      <error message=\"\(xml(why))\">\(text)</error>", "    </testcase>"]
        }
    }

    /// Returns a text escaped for XML, with its line breaks.
    static func xml(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { xml(line: String($0)) }
            .joined(separator: "&#10;")
    }

    /// Characters that XML can't contain are replaced by question marks.
    private static func xml(line: String) -> String {
        var escaped = ""
        for scalar in VisibleText.exact(line).unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\t": escaped += "&#9;"
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": escaped += "?"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    // MARK: Markdown

    /// The report as Markdown, for the summary page of a CI job.
    var markdown: String {
        if let text { return text }
        var lines = ["### \(MarkdownText.cell(headline))", ""]
        if !cases.isEmpty {
            lines += ["| | result | |", "|---|---|---|"]
            for one in cases {
                let (word, why) = Self.words(one.result)
                lines.append(
                    "| \(MarkdownText.cell(one.group)): \(MarkdownText.cell(one.name)) | \(word) "
                        + "| \(MarkdownText.cell(why)) |")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func words(_ result: Result) -> (String, String) {
        switch result {
        case .passed: ("done", "")
        case .skipped(let why): ("skipped", why)
        case .failed(let why): ("failed", why)
        case .error(let why): ("unknown", why)
        }
    }
}

/// The escaping of texts for Markdown.
enum MarkdownText {
    /// Returns a text for a table cell, with all Markdown escaped.
    static func cell(_ text: String) -> String {
        var escaped = ""
        for scalar in VisibleText.exact(text).unicodeScalars {
            if scalar == "\n" {
                escaped += " "
            } else if "\\`*_{}[]<>()#+-!|@~&".unicodeScalars.contains(scalar) {
                escaped += "&#\(scalar.value);"
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// The input fields that name the files for a report.
struct CaseReportFiles: OperationInput {
    @Argument("junit", "Write a JUnit report to this file, for CI services.", .notForModels, .completes(.files))
    var junit: String?
    @Argument(
        "summary", "Append a Markdown summary to this file, such as $GITHUB_STEP_SUMMARY.", .notForModels,
        .completes(.files))
    var summary: String?

    private var isEmpty: Bool { junit == nil && summary == nil }

    /// Does the work and writes its report, also if the work fails. Files that can't be written are refused before the
    /// work; one that fails afterwards is named as missing from the answer.
    func reporting(
        _ tool: String, on name: String, in context: OperationContext,
        _ work: () async throws(MMError) -> (answer: OperationAnswer, report: CaseReport)
    ) async throws(MMError) -> OperationAnswer {
        if !isEmpty, context.call.caller.surface != .terminal {
            throw MMError(
                .forbidden, "Only a person at a terminal can name files.",
                hint: "Leave the file out: the answer has all of it.")
        }
        if let junit { try ProtectedFile.checkReplacing(context.call.path(junit)) }
        if let summary { try ProtectedFile.checkAppending(to: context.call.path(summary)) }
        do throws(MMError) {
            var (answer, report) = try await work()
            do throws(MMError) { try write(report, in: context) } catch { answer.lacks(error) }
            return answer
        } catch {
            // The error matters more than a report that can't be written.
            try? write(.failure(error, of: tool, on: name), in: context)
            throw error
        }
    }

    private func write(_ report: CaseReport, in context: OperationContext) throws(MMError) {
        if let junit { try ProtectedFile.replace(context.call.path(junit), with: Array(report.junit.utf8)) }
        if let summary { try ProtectedFile.append(Array(report.markdown.utf8), to: context.call.path(summary)) }
    }
}

extension OperationAnswer {
    /// Names a file of the answer that couldn't be written: what was done stays done, and is told.
    mutating func lacks(_ error: MMError) {
        notes.append(error.message)
        missing = error.message
    }
}
