import MMCore

extension DriftReport {
    /// The report as code scanning of GitHub and Azure DevOps reads it.
    var sarif: JSONValue {
        var log = SARIFLog(of: "mm drift")
        for finding in findings + (service?.drifts ?? []) {
            let lines = finding.change == .changed ? finding.difference.lines : []
            let title =
                "\(finding.kind.title): “\(VisibleText.exact(finding.name))” was \(finding.change.rawValue)."
            log.add(
                .init(
                    rule: .init(id: finding.kind.name, summary: "Drift: \(finding.kind.title)"), level: .warning,
                    message: ([title] + lines).joined(separator: "\n"), path: finding.file, region: ["startLine": 1],
                    fingerprint: ("drift/v1", finding.digest)))
        }
        log.ran(
            isComplete: !gaps.contains(where: \.isOneSided),
            notes: gaps.map { ($0.isOneSided ? .warning : .note, "\($0.kind) was not compared: \($0.reason)") })
        return log.json
    }
}
