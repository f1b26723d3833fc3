internal import MMCore

/// What a cmdlet of the sandbox put out.
struct ExchangeAnswer: Sendable {
    /// The rows, JSON texts joined by commas.
    var rows: [UInt8] = []
    /// How many they are.
    var count = 0
    /// Warnings.
    var warnings: [String] = []
    /// The place where the next page starts.
    var next: Int?
    /// What `-WhatIf` says.
    var confirmation: String?

    /// Nothing: what writing cmdlets put out.
    static let nothing = ExchangeAnswer()

    /// Appends a row.
    mutating func add(_ row: JSONObject, select: Set<String>?) {
        if count > 0 { rows.append(UInt8(ascii: ",")) }
        var shown = row
        if let select {
            shown = JSONObject(row.filter { select.contains($0.key.lowercased()) }.map { ($0.key, $0.value) })
        }
        rows.append(contentsOf: JSONWriter.bytes(.object(shown)))
        count += 1
    }

    /// One row.
    static func row(_ row: JSONObject, _ call: InvokedCmdlet) -> ExchangeAnswer {
        var answer = ExchangeAnswer()
        answer.add(row, select: call.select)
        return answer
    }

    /// A page of rows that are all at hand.
    static func page(of rows: [JSONObject], _ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        var answer = ExchangeAnswer()
        let limit = try call.limit()
        let left = limit.map { max(0, $0 - call.returned) } ?? Int.max
        let start = min(call.offset, rows.count)
        let end = min(rows.count, start + min(call.pageSize, left))
        for row in rows[start..<end] { answer.add(row, select: call.select) }
        if end < rows.count {
            if left > call.pageSize { answer.next = end } else { answer.warnings.append(moreResults) }
        }
        return answer
    }

    static let moreResults =
        "There are more results available than are currently displayed. To view them, increase the value for the "
        + "ResultSize parameter."
}
