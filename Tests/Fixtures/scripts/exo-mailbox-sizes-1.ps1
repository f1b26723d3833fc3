#Requires -Modules ExchangeOnlineManagement
Connect-ExchangeOnline -ShowBanner:$false
$Report = [System.Collections.Generic.List[Object]]::new()
$Mailboxes = Get-EXOMailbox -RecipientTypeDetails UserMailbox -ResultSize Unlimited
foreach ($M in $Mailboxes) {
    $Stats = Get-EXOMailboxStatistics -Identity $M.UserPrincipalName
    $Report.Add([PSCustomObject]@{ Mailbox = $M.DisplayName; Items = $Stats.ItemCount; Size = $Stats.TotalItemSize })
}
$Report | Sort-Object Items -Descending | Export-Csv -NoTypeInformation MailboxSizes.csv
Disconnect-ExchangeOnline -Confirm:$false
