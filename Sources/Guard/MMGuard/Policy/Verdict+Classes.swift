extension Verdict {
    /// The verdict on letting requests of classes pass that are not known yet.
    /// - Parameters:
    ///   - classes: what shall pass.
    ///   - policy: the connection's policy.
    package init(allowing classes: [GuardClass], policy: GuardPolicy) {
        self.init(
            findings: classes.map { one in
                GuardFinding(
                    rule: one.rawValue, classes: GuardClassSet(one),
                    reason: "Everything of the class \(one.rawValue) that the program sends would pass unseen: what "
                        + "\(one.meaning).")
            }, policy: policy)
    }
}
