internal import MMCore

/// Policies that protect mail and mailboxes: of each, the one that a tenant has from the beginning.
extension ExchangeCmdlet {
    static let protection: [ExchangeCmdlet] =
        policies.flatMap { [policy($0.noun, $0.row), setting($0.noun, $0.parameters)] } + [
            setting(
                "DlpCompliancePolicy",
                "Mode:Enable|TestWithNotifications|TestWithoutNotifications|Disable Comment", compliance: true)
        ]

    private static let policies: [(noun: String, row: JSONObject, parameters: String)] = [
        (
            "HostedContentFilterPolicy",
            [
                "Name": "Default", "Identity": "Default", "IsDefault": true, "SpamAction": "MoveToJmf",
                "HighConfidenceSpamAction": "Quarantine", "PhishSpamAction": "Quarantine",
                "HighConfidencePhishAction": "Quarantine", "BulkThreshold": 7, "AllowedSenders": [],
                "AllowedSenderDomains": [], "BlockedSenders": ["spam@northwind.example"], "SpamZapEnabled": true,
            ],
            "SpamAction HighConfidenceSpamAction PhishSpamAction HighConfidencePhishAction BulkThreshold:n "
                + "AllowedSenders AllowedSenderDomains BlockedSenders SpamZapEnabled:b"
        ),
        (
            "HostedConnectionFilterPolicy",
            [
                "Name": "Default", "Identity": "Default", "IsDefault": true, "IPAllowList": ["192.0.2.25"],
                "IPBlockList": [], "EnableSafeList": false,
            ],
            "IPAllowList IPBlockList EnableSafeList:b"
        ),
        (
            "AntiPhishPolicy",
            [
                "Name": "Office365 AntiPhish Default", "Identity": "Office365 AntiPhish Default", "IsDefault": true,
                "Enabled": true, "PhishThresholdLevel": 1, "EnableSpoofIntelligence": true,
                "EnableMailboxIntelligence": true, "AuthenticationFailAction": "MoveToJmf",
            ],
            "PhishThresholdLevel:n EnableSpoofIntelligence:b EnableMailboxIntelligence:b AuthenticationFailAction "
                + "Enabled:b"
        ),
        (
            "MalwareFilterPolicy",
            [
                "Name": "Default", "Identity": "Default", "IsDefault": true, "EnableFileFilter": true,
                "FileTypes": ["ace", "exe", "scr"], "ZapEnabled": true,
            ],
            "EnableFileFilter:b FileTypes ZapEnabled:b"
        ),
        (
            "SafeLinksPolicy",
            [
                "Name": "Everybody", "Identity": "Everybody", "EnableSafeLinksForEmail": true, "ScanUrls": true,
                "TrackClicks": true, "AllowClickThrough": false, "DoNotRewriteUrls": [],
            ],
            "EnableSafeLinksForEmail:b ScanUrls:b TrackClicks:b AllowClickThrough:b DoNotRewriteUrls"
        ),
        (
            "SafeAttachmentPolicy",
            ["Name": "Everybody", "Identity": "Everybody", "Enable": true, "Action": "Block", "Redirect": false],
            "Enable:b Action:Block|Replace|Allow|DynamicDelivery Redirect:b"
        ),
        (
            "DkimSigningConfig",
            [
                "Name": "contoso-sandbox.example", "Identity": "contoso-sandbox.example", "Enabled": true,
                "Domain": "contoso-sandbox.example", "Status": "Valid",
            ],
            "Enabled:b"
        ),
        (
            "RetentionPolicy",
            [
                "Name": "Default MRM Policy", "Identity": "Default MRM Policy", "IsDefault": true,
                "RetentionPolicyTagLinks": ["Default 2 year move to archive", "Deleted Items"],
            ],
            "RetentionPolicyTagLinks IsDefault:b"
        ),
        (
            "SharingPolicy",
            [
                "Name": "Default Sharing Policy", "Identity": "Default Sharing Policy", "Enabled": true,
                "Default": true,
                "Domains": ["Anonymous:CalendarSharingFreeBusyReviewer", "*:CalendarSharingFreeBusySimple"],
            ],
            "Enabled:b Domains"
        ),
    ]

    private static func policy(_ noun: String, _ row: JSONObject) -> ExchangeCmdlet {
        ExchangeCmdlet("Get-\(noun)", .reading, "Identity") { (organization, call) throws(ExchangeFailure) in
            try organization.named(noun, [row], call)
        }
    }
}
