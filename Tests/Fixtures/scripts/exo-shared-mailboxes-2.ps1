[CmdletBinding()]
param([string] $AdminUPN)
$modules = @('ExchangeOnlineManagement')
foreach ($module in $modules) {
    if (-not (Get-InstalledModule -Name $module -ErrorAction SilentlyContinue)) {
        Install-Module -Name $module -Scope CurrentUser -Force
    }
    Import-Module ExchangeOnlineManagement
}
if ($AdminUPN) { Connect-ExchangeOnline -UserPrincipalName $AdminUPN -ShowProgress $true } else { Connect-ExchangeOnline }
$shared = Get-Mailbox -RecipientTypeDetails SharedMailbox -ResultSize Unlimited
foreach ($box in $shared) {
    Get-MailboxPermission -Identity $box.Identity | Where-Object { $_.User -ne 'NT AUTHORITY\SELF' -and -not $_.IsInherited }
}
Disconnect-ExchangeOnline -Confirm:$false -InformationAction Ignore -ErrorAction SilentlyContinue
