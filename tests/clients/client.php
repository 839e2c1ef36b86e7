<?php
# SPDX-License-Identifier: ISC
# The package php-zmq: requests, publishing, polling, errors. Exits with 0 if all is as it should be.

function check($held, $what)
{
    if (!$held) {
        echo "failed: $what\n";
        exit(1);
    }
}

$context = new ZMQContext();
$server = $context->getSocket(ZMQ::SOCKET_REP);
$server->setSockOpt(ZMQ::SOCKOPT_RCVTIMEO, 10000);
$server->bind('tcp://127.0.0.1:*');
$endpoint = $server->getSockOpt(ZMQ::SOCKOPT_LAST_ENDPOINT);
$client = $context->getSocket(ZMQ::SOCKET_REQ);
$client->setSockOpt(ZMQ::SOCKOPT_RCVTIMEO, 10000);
$client->connect($endpoint);
$client->sendmulti(array('a', '', str_repeat('b', 100000)));
check($server->recvMulti() === array('a', '', str_repeat('b', 100000)), 'a request of several frames');
$server->send('reply');
check($client->recv() === 'reply', 'a reply');

try {
    $client->recv(ZMQ::MODE_DONTWAIT);
    check(false, 'a REQ that may not receive');
} catch (ZMQSocketException $error) {
    check($error->getCode() === ZMQ::ERR_EFSM, 'EFSM');
}

$publisher = $context->getSocket(ZMQ::SOCKET_XPUB);
$publisher->bind('inproc://news');
$subscriber = $context->getSocket(ZMQ::SOCKET_SUB);
$subscriber->connect('inproc://news');
$subscriber->setSockOpt(ZMQ::SOCKOPT_SUBSCRIBE, 'topic');
check($publisher->recv() === "\1topic", 'a subscription');
$publisher->send('other');
$publisher->send('topic');
$poll = new ZMQPoll();
$poll->add($subscriber, ZMQ::POLL_IN);
$readable = $writable = array();
check($poll->poll($readable, $writable, 10000) === 1, 'a poll');
check($subscriber->recv() === 'topic', 'a publication');
echo "php-zmq: passed\n";
