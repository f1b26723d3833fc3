/// Departments and the titles people have in them.
enum Position {
    /// One department.
    struct Department: Sendable {
        let name: String
        let titles: [String]
        /// The titles as they stand in JSON.
        let titleBytes: [[UInt8]]

        init(name: String, titles: [String]) {
            self.name = name
            self.titles = titles
            titleBytes = titles.map { Array("\"\($0)\"".utf8) }
        }
    }

    static let departments: [Department] = [
        Department(
            name: "Engineering",
            titles: [
                "Software Engineer", "Senior Software Engineer", "Engineering Manager", "Site Reliability Engineer",
                "Test Engineer",
            ]),
        Department(
            name: "Sales",
            titles: ["Account Executive", "Sales Manager", "Sales Development Representative", "Solutions Consultant"]),
        Department(
            name: "Marketing",
            titles: ["Content Strategist", "Marketing Manager", "Brand Designer", "Campaign Analyst"]),
        Department(
            name: "Finance", titles: ["Accountant", "Financial Analyst", "Controller", "Accounts Payable Clerk"]),
        Department(
            name: "Human Resources", titles: ["HR Business Partner", "Recruiter", "People Operations Specialist"]),
        Department(
            name: "Operations",
            titles: ["Operations Manager", "Logistics Coordinator", "Facilities Technician", "Shift Supervisor"]),
        Department(
            name: "Customer Support", titles: ["Support Engineer", "Support Team Lead", "Customer Success Manager"]),
        Department(name: "Legal", titles: ["Counsel", "Paralegal", "Compliance Officer"]),
        Department(name: "Research", titles: ["Research Scientist", "Lab Technician", "Data Scientist"]),
        Department(
            name: "IT",
            titles: ["Systems Administrator", "Network Engineer", "Service Desk Analyst", "Security Analyst"]),
    ]
}
