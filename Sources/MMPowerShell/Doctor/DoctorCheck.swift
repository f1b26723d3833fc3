import MMCore

/// Something that should hold for a PowerShell.
struct DoctorCheck: Sendable {
    let area: DoctorRow.Area
    let name: String
    /// Whether the stand-in can be asked: it may answer what it really does, never what it only repeats.
    let standInAnswers: Bool
    /// Tries it.
    /// - Returns: a figure or word for the table, or nothing.
    /// - Throws: `DoctorFinding` with what is wrong, or what the driver throws.
    let examine: @Sendable (DoctorBench) async throws -> String

    init(
        _ area: DoctorRow.Area, _ name: String, standIn: Bool = false,
        _ examine: @escaping @Sendable (DoctorBench) async throws -> String
    ) {
        self.area = area
        self.name = name
        standInAnswers = standIn
        self.examine = examine
    }

    /// All of them.
    static var all: [DoctorCheck] { wire + stop + prompts + recordings + commands + guards + figures }
}

/// What is wrong.
struct DoctorFinding: Error, Sendable {
    let text: String

    init(_ text: String) { self.text = text }
}

/// Fails a check unless something holds.
func demand(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(DoctorFinding) {
    if !holds { throw DoctorFinding(otherwise()) }
}
