package import MMCore
import MMOperations

extension MMError {
    /// The answer of the earlier servers for a PowerShell command that only wrote errors: they treated it as carried
    /// out.
    var earlierAnswer: OperationAnswer? {
        guard details["engine"] == "pwsh", details["errors"] != nil, let notes = details["notes"]?.array else {
            return nil
        }
        return OperationAnswer(.value(.array([])), notes: notes.compactMap(\.string))
    }

    /// The output that preceded the error as text: lines as they were printed, other values as JSON.
    var outputText: String? {
        guard let output else { return nil }
        return (output.array ?? [output]).map { $0.string ?? JSONWriter.string($0) }.joined(separator: "\n")
    }

    /// The error as the earlier servers' faces show it: after the output that preceded it, because what was done by
    /// then stays done.
    package var textAfterOutput: String { afterOutput(description) }

    /// Returns a face's own words for the error, after the output that preceded it.
    func afterOutput(_ words: String) -> String {
        guard let before = outputText, !before.isEmpty else { return words }
        return before + (before.hasSuffix("\n") ? "" : "\n") + words
    }
}
